//! Files that change, look by look.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{CertificateParams, KeyPair};

use super::named_file::BackendContent;
use super::*;
use crate::config::{BackendTls, IdentityFiles, TlsVersion};

/// A directory that is gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let name = format!("sidekick-certificates-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a scratch file");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A certificate and its key, PEM.
fn pair(name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([name.to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("signed");
    (certificate.pem(), key.serialize_pem())
}

fn files(directory: &Directory, (cert, key): &(String, String)) -> IdentityFiles {
    IdentityFiles {
        cert: directory.write("cert.pem", cert),
        key: directory.write("key.pem", key),
        password: None,
    }
}

/// What a look led to, in a word and its lines.
fn looked<T>(found: &Found<T>) -> String {
    match found {
        Found::Nothing => "nothing".to_owned(),
        Found::New(_, lines) => format!("new: {}", lines.join("; ")),
        Found::Bad(line) => format!("bad: {line}"),
    }
}

/// Looks at the listener's files, one look after the other.
struct Looks {
    files: IdentityFiles,
    vigil: Vigil,
}

impl Looks {
    fn begin(files: IdentityFiles) -> Self {
        let vigil = Vigil::new(IdentityContent::of_listener(&files).digest());
        Self { files, vigil }
    }

    fn look(&mut self, asked: bool) -> String {
        let vigil = self.vigil.clone();
        let (vigil, found) = look_at_listener(&self.files, vigil, asked, SystemTime::now());
        self.vigil = vigil;
        looked(&found)
    }
}

#[test]
fn a_pair_written_one_after_the_other_is_taken_when_it_is_whole() {
    let directory = Directory::new("pair");
    let (old, new) = (pair("old.example"), pair("new.example"));
    let mut looks = Looks::begin(files(&directory, &old));
    directory.write("cert.pem", &old.0);
    assert_eq!(
        looks.look(false),
        "nothing",
        "the same content, written anew"
    );
    directory.write("cert.pem", &new.0);
    assert_eq!(looks.look(false), "nothing", "a mismatch is waited out");
    directory.write("key.pem", &new.1);
    let told = looks.look(false);
    assert!(told.starts_with("new: `--cert /"), "{told}");
    assert!(
        told.contains("is shown to clients: new.example; expires "),
        "{told}"
    );
    assert_eq!(looks.look(false), "nothing");
}

#[test]
fn what_is_no_good_is_told_once_with_the_file_and_the_cure() {
    let directory = Directory::new("bad");
    let (own, other) = (pair("a"), pair("a"));
    let mut looks = Looks::begin(files(&directory, &own));
    directory.write("key.pem", &other.1);
    assert_eq!(looks.look(false), "nothing");
    let told = looks.look(false);
    assert!(
        told.starts_with("bad: `--key /") && told.contains("does not belong"),
        "{told}"
    );
    assert_eq!(looks.look(false), "nothing");
    assert_eq!(looks.look(true), told, "who asks is told again");
    fs::remove_file(directory.0.join("cert.pem")).expect("removed");
    let told = looks.look(true);
    assert!(
        told.contains("cert.pem`: cannot be read: no such file or directory"),
        "{told}"
    );
}

#[test]
fn a_link_that_is_swapped_is_a_change() {
    let directory = Directory::new("link");
    let (old, new) = (pair("old"), pair("new"));
    let version = |name: &str, (cert, key): &(String, String)| {
        let path = directory.0.join(name);
        fs::create_dir_all(&path).expect("a directory");
        fs::write(path.join("tls.crt"), cert).expect("written");
        fs::write(path.join("tls.key"), key).expect("written");
        path
    };
    let link = directory.0.join("..data");
    let point_to = |target: &Path| {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(target, &link).expect("a link");
    };
    point_to(&version("..1", &old));
    let mut looks = Looks::begin(IdentityFiles {
        cert: link.join("tls.crt"),
        key: link.join("tls.key"),
        password: None,
    });
    point_to(&version("..2", &new));
    assert!(looks.look(false).starts_with("new: "));
    point_to(&version("..3", &new));
    assert_eq!(looks.look(false), "nothing");
}

fn backends(cacert: PathBuf) -> TlsConfig {
    TlsConfig {
        listener: ListenerTls::Plain,
        newest: TlsVersion::V13,
        backends: BackendTls {
            insecure: false,
            cacert: Some(cacert),
            identity: None,
        },
    }
}

#[test]
fn a_directory_is_all_its_certificates() {
    let directory = Directory::new("bundle");
    directory.write("a.pem", &pair("a").0);
    directory.write("readme.txt", "not one of them");
    directory.write(".hidden.pem", &pair("c").0);
    let tls = backends(directory.0.clone());
    let vigil = Vigil::new(BackendContent::read(&tls.backends).digest());
    let look = |vigil: Vigil| look_at_backends(&tls, true, vigil, false, SystemTime::now());
    let (vigil, found) = look(vigil);
    assert_eq!(looked(&found), "nothing");
    directory.write("b.pem", &pair("b").0);
    let (_, found) = look(vigil);
    let told = looked(&found);
    assert!(
        told.ends_with("backends are trusted by 2 certificates"),
        "{told}"
    );
}

#[test]
fn an_empty_directory_and_a_missing_file_are_lines() {
    let directory = Directory::new("empty");
    for (cacert, words) in [
        (directory.0.clone(), "no certificate in it"),
        (directory.0.join("none.pem"), "cannot be read: no such file"),
        (PathBuf::from("/dev/zero"), "larger than 8 MiB"),
    ] {
        let tls = backends(cacert);
        let content = BackendContent::read(&tls.backends);
        let made = connecting(&tls.backends, tls.newest, true, &content, SystemTime::now());
        let line = made.err().expect("refused");
        assert!(
            line.starts_with("`--cacert /") && line.contains(words),
            "{line}"
        );
    }
}
