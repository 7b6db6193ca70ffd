"""A private certificate authority, by openssl."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOOPBACK = ("DNS:localhost", "IP:127.0.0.1")
# Arguments of `openssl req -newkey`.
KEY_TYPES = {
    "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("rsa:2048",),
    "ed25519": ("ed25519",),
}
CONFIG = """
[req]
distinguished_name = nothing_more
prompt = no
[nothing_more]
[ca]
default_ca = own
[own]
database = {folder}/issued
new_certs_dir = {folder}
unique_subject = no
rand_serial = yes
default_md = sha256
policy = anything
[anything]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectAltName = {names}
extendedKeyUsage = {usage}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Identity:
    """A certificate with what stands between it and the root, and its key."""

    cert: Path
    key: Path

    @property
    def serial(self) -> str:
        """The serial number, in hexadecimal digits as openssl writes them."""
        return openssl("x509", "-in", self.cert, "-noout", "-serial").strip().partition("=")[2]


class Authority:
    """A root and an intermediate that issues; what it issues comes with the intermediate."""

    def __init__(self, folder: Path, name: str = "private"):
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "issued").write_text("")
        root = self._self_signed("root", f"{name} root")
        self.root = root.cert
        issuer = self._request("issuer", f"{name} issuer", "ecdsa")
        self._sign(issuer, root, "authority", days_ago=1, days=30)
        self.issuer = issuer

    def issue(
        self,
        name: str,
        names: tuple[str, ...] = LOOPBACK,
        usage: str = "serverAuth",
        key_type: str = "ecdsa",
        days_ago: int = 1,
        days: int = 30,
    ) -> Identity:
        """A certificate for `names`, valid for `days` from `days_ago` on."""
        made = self._request(name, name, key_type)
        self._sign(made, self.issuer, "leaf", days_ago, days, names, usage)
        with made.cert.open("a") as chain:
            chain.write(self.issuer.cert.read_text())
        return made

    def _self_signed(self, name: str, subject: str) -> Identity:
        made = self._request(name, subject, "ecdsa")
        self._sign(made, None, "authority", days_ago=1, days=30)
        return made

    def _request(self, name: str, subject: str, key_type: str) -> Identity:
        """A key, and a request where its certificate will be."""
        made = Identity(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        config = self._config(LOOPBACK, "serverAuth")
        subject_and_key = ("-subj", f"/CN={subject}", "-newkey", *KEY_TYPES[key_type], "-noenc")
        files = ("-config", config, "-keyout", made.key, "-out", made.cert)
        openssl("req", "-new", *subject_and_key, *files)
        return made

    def _sign(
        self,
        made: Identity,
        issuer: Identity | None,
        section: str,
        days_ago: int,
        days: int,
        names: tuple[str, ...] = LOOPBACK,
        usage: str = "serverAuth",
    ) -> None:
        start = datetime.now(UTC) - timedelta(days=days_ago)
        dates = [f"{day:%Y%m%d%H%M%SZ}" for day in (start, start + timedelta(days=days))]
        by = ("-selfsign", "-keyfile", made.key)
        if issuer is not None:
            by = ("-cert", issuer.cert, "-keyfile", issuer.key)
        openssl("ca", "-batch", "-notext", "-config", self._config(names, usage), *by,
                "-extensions", section, "-startdate", dates[0], "-enddate", dates[1],
                "-in", made.cert, "-out", made.cert)  # fmt: skip

    def _config(self, names: tuple[str, ...], usage: str) -> Path:
        path = self.folder / "openssl.cnf"
        text = CONFIG.format(folder=self.folder, names=",".join(names), usage=usage)
        path.write_text(text)
        return path


def self_signed_server(folder: Path) -> Identity:
    """What `openssl req -x509` makes by itself: a server's certificate that says CA:TRUE."""
    made = Identity(folder / "self-signed.crt", folder / "self-signed.key")
    openssl("req", "-x509", "-subj", "/CN=localhost", "-addext",
            f"subjectAltName={','.join(LOOPBACK)}", "-newkey", *KEY_TYPES["ecdsa"], "-noenc",
            "-days", "30", "-keyout", made.key, "-out", made.cert)  # fmt: skip
    assert "CA:TRUE" in openssl("x509", "-in", made.cert, "-noout", "-text")
    return made


def openssl(*words: str | Path, stdin: str | None = None) -> str:
    """Run openssl, which must succeed; its standard output."""
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    argv = ["openssl", *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, **source)
    assert done.returncode == 0, f"{argv} ended with {done.returncode}: {done.stderr}"
    return done.stdout
