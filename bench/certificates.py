"""A certificate authority of this run's own, a server's certificate, and what TLS is held to."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

# The name in the servers' certificate, beside the address that it stands for.
NAME = "localhost"
# What every handshake comes to: other suites and curves cost more or less than these.
VERSION = "TLSv1.3"
SUITE = "TLS_AES_256_GCM_SHA384"
CURVE = "X25519"

# Read by everything that uses OpenSSL and has no options for this, wrk for one. The part that `req`
# asks for is empty: all names come by the command line.
OPENSSL_CONF = f"""
openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = one
[one]
MinProtocol = {VERSION}
Ciphersuites = {SUITE}
Groups = {CURVE}
[req]
distinguished_name = names
[names]
"""


@dataclass(frozen=True)
class Certificates:
    """The files of one run."""

    folder: Path

    @property
    def authority(self) -> Path:
        """What clients trust."""
        return self.folder / "authority.pem"

    @property
    def chain(self) -> Path:
        """What servers show."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """Its key: where HAProxy looks for it, since it takes no second file."""
        return self.folder / "server.pem.key"

    @property
    def openssl_conf(self) -> Path:
        """The value of OPENSSL_CONF."""
        return self.folder / "openssl.cnf"


def make(folder: Path) -> Certificates:
    """Make everything in a new folder; keys are ECDSA P-256."""
    folder.mkdir()
    made = Certificates(folder)
    made.openssl_conf.write_text(OPENSSL_CONF)
    authority_key = folder / "authority.key"
    certificate(
        made, made.authority, authority_key, "authority",
        ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"],
    )  # fmt: skip
    certificate(
        made, made.chain, made.key, NAME,
        [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth",
            f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
        ],
        ["-CA", str(made.authority), "-CAkey", str(authority_key)],
    )  # fmt: skip
    return made


def certificate(
    made: Certificates,
    file: Path,
    key: Path,
    name: str,
    extensions: list[str],
    issuer: list[str] | None = None,
) -> None:
    """Make a key and its certificate, signed by itself where no issuer is given."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    given = [word for extension in extensions for word in ("-addext", extension)]
    subprocess.run(
        ["openssl", "req", "-x509", "-config", str(made.openssl_conf), *curve, "-days", "30",
         "-subj", f"/CN={name}", *given, *(issuer or []), "-keyout", str(key), "-out", str(file)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )  # fmt: skip
