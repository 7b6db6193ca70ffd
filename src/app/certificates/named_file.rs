//! A file that a flag names, and what is in it at one moment.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::{BackendTls, IdentityFiles, Secret};
use crate::net::tls::{DIGEST_SIZE, Identity, sha256};

/// More than any bundle of certificates; whoever names something larger meant another file.
const LARGEST: u64 = 8 << 20;

/// What tells one content from another.
pub(super) type Digest = [u8; DIGEST_SIZE];

/// The content of a file, or why there is none.
pub(super) struct NamedFile {
    flag: &'static str,
    path: PathBuf,
    content: Result<Vec<u8>, String>,
}

/// A certificate and its key.
pub(super) struct IdentityContent {
    pub(super) cert: NamedFile,
    pub(super) key: NamedFile,
}

/// All that is shown to backends and believed of them.
pub(super) struct BackendContent {
    pub(super) cacert: Option<NamedFile>,
    pub(super) identity: Option<IdentityContent>,
}

impl NamedFile {
    fn read(flag: &'static str, path: &Path, content: io::Result<Vec<u8>>) -> Self {
        Self {
            flag,
            path: path.to_owned(),
            content: content.map_err(|cause| format!("cannot be read: {}", reason(&cause))),
        }
    }

    /// The bytes.
    ///
    /// # Errors
    /// One line that names the file and the system's reason.
    pub(super) fn bytes(&self) -> Result<&[u8], String> {
        self.content.as_deref().map_err(|cause| self.blame(cause))
    }

    /// The line that says what is wrong with it.
    pub(super) fn blame(&self, cause: impl fmt::Display) -> String {
        format!("{self}: {cause}")
    }

    fn digest(&self) -> Digest {
        match &self.content {
            Ok(bytes) => sha256([&b"content "[..], bytes]),
            Err(cause) => sha256([&b"none "[..], cause.as_bytes()]),
        }
    }
}

impl fmt::Display for NamedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: String = self.path.display().to_string();
        let shown: String = path.chars().filter(|c| !c.is_control()).collect();
        write!(formatter, "`--{} {shown}`", self.flag)
    }
}

impl IdentityContent {
    /// The listener's.
    pub(super) fn of_listener(files: &IdentityFiles) -> Self {
        Self::read(files, "cert", "key")
    }

    fn read(files: &IdentityFiles, cert: &'static str, key: &'static str) -> Self {
        Self {
            cert: NamedFile::read(cert, &files.cert, content(&files.cert)),
            key: NamedFile::read(key, &files.key, content(&files.key)),
        }
    }

    /// The certificate with its key.
    ///
    /// # Errors
    /// One line that names the file at fault.
    pub(super) fn identity(&self, files: &IdentityFiles) -> Result<Identity, String> {
        let password = files.password.as_ref().map(Secret::reveal);
        let (cert, key) = (self.cert.bytes()?, self.key.bytes()?);
        Identity::from_pem(cert, key, password).map_err(|error| {
            if error.is_of_certificate() {
                self.cert.blame(error)
            } else {
                self.key.blame(error)
            }
        })
    }

    pub(super) fn digest(&self) -> Digest {
        sha256([&self.cert.digest()[..], &self.key.digest()])
    }
}

impl BackendContent {
    pub(super) fn read(config: &BackendTls) -> Self {
        let identity = config.identity.as_ref();
        Self {
            cacert: config
                .cacert
                .as_ref()
                .map(|path| NamedFile::read("cacert", path, bundle(path))),
            identity: identity
                .map(|files| IdentityContent::read(files, "client-cert", "client-key")),
        }
    }

    pub(super) fn digest(&self) -> Digest {
        let cacert = self.cacert.as_ref().map(NamedFile::digest);
        let identity = self.identity.as_ref().map(IdentityContent::digest);
        let parts = [cacert.unwrap_or_default(), identity.unwrap_or_default()];
        sha256(parts.iter().map(|part| &part[..]))
    }
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if size as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 8 MiB"));
    }
    Ok(bytes)
}

/// A file, or all files of a directory by name, one after the other. Names with a dot before them
/// are left out: Kubernetes keeps the versions of a mounted volume there.
fn bundle(path: &Path) -> io::Result<Vec<u8>> {
    if !path.is_dir() {
        return content(path);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // `metadata` of the path follows links.
        if !hidden && entry.path().metadata().is_ok_and(|found| found.is_file()) {
            files.push(entry.path());
        }
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let bytes = content(&file)?;
        // Among the certificates there may be lists of revocations, keys and read-me files.
        if bytes.windows(MARK.len()).any(|window| window == MARK) {
            all.extend(bytes);
            all.push(b'\n');
        }
    }
    Ok(all)
}

const MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The system's reason, in lower case and without its number.
fn reason(cause: &io::Error) -> String {
    let text = cause.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
