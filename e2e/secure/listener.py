"""What sidekick shows to clients: keys of all forms, passwords, and a certificate of its own."""

import os
import re
import subprocess

from harness.authority import KEY_TYPES, Identity, openssl
from harness.command import run, succeed
from harness.process import fetch_text, status_of, wait_until
from secure.rig import Rig

PASSWORD = "a password, with=signs"
# How openssl encrypts a key.
ENCRYPTIONS = {
    "PKCS#8, AES-256": ("pkcs8", "-topk8", "-v2", "aes-256-cbc"),
    "PKCS#8, AES-128, scrypt": ("pkcs8", "-topk8", "-scrypt", "-v2", "aes-128-cbc"),
    "DEK-Info, AES-256": ("rsa", "-traditional", "-aes256"),
    "DEK-Info, 3DES": ("rsa", "-traditional", "-des3"),
}


def encrypted_key_opens_with_its_password(rig: Rig) -> str:
    """Each way that openssl encrypts keys, the password in the environment."""
    for way in ENCRYPTIONS:
        identity = encrypted(rig, way)
        sidekick = rig.sidekick([rig.seaweed.endpoint(0)], *flags_of(identity), env=password())
        sidekick.start_and_wait()
        sidekick.kill()
    return ", ".join(ENCRYPTIONS)


def wrong_password_ends_the_start_with_one_line(rig: Rig) -> str:
    """And so does none; the password is never said."""
    told = []
    for way in ENCRYPTIONS:
        identity = encrypted(rig, way)
        for env in (password("another password"), {}):
            line = refused_start(rig, identity, env)
            assert "password" in line and str(identity.key) in line, line
            assert "another password" not in line, line
            told.append(line)
    return told[0]


def key_of_another_certificate_ends_the_start_with_one_line(rig: Rig) -> str:
    """A pair that was not issued together."""
    other = rig.authority.issue("other")
    line = refused_start(rig, Identity(rig.server.cert, other.key), {})
    assert str(other.key) in line or str(rig.server.cert) in line, line
    return line


def each_type_of_key_is_served(rig: Rig) -> str:
    """RSA, ECDSA and Ed25519, by TLS 1.2 and 1.3."""
    for key_type in KEY_TYPES:
        identity = rig.authority.issue(f"of-{key_type}", key_type=key_type)
        sidekick = rig.sidekick([rig.seaweed.endpoint(0)], *flags_of(identity))
        sidekick.start_and_wait()
        for version in (["--tls-max", "1.2"], ["--tlsv1.3"]):
            get = ["curl", "--silent", "--fail", "--cacert", str(rig.authority.root), *version]
            target = rig.target("key-types", sidekick)
            succeed(target, [*get, f"{sidekick.endpoint}/healthz"])
        sidekick.kill()
    return ", ".join(KEY_TYPES)


def served_certificates_are_at_their_path(rig: Rig) -> str:
    """`/v1/certificates` gives the chain of the file; 404 without TLS."""
    text = fetch_text(rig.front.port, "/v1/certificates", rig.front.trust)
    assert text.split() == rig.server.cert.read_text().split(), text
    plain = rig.sidekick([rig.seaweed.endpoint(0)])
    plain.start_and_wait()
    assert status_of(plain.port, "/v1/certificates") == 404
    return f"{text.count('BEGIN CERTIFICATE')} certificates"


def certificate_of_its_own_is_accepted_by_curl(rig: Rig) -> str:
    """`--auto-tls-host`: the fingerprint and the pin it prints, and the PEM it gives, are right."""
    own = ("--auto-tls-host", "localhost,127.0.0.1")
    output = ("--log", "--trace", "application")
    sidekick = rig.sidekick([rig.seaweed.endpoint(0)], *own, output=output)
    sidekick.start()
    printed = r"SHA-256 fingerprint is (\S+)\n(?:.*\n)*?.*--pinnedpubkey` is (\S+)"
    wait_until(lambda: re.search(printed, sidekick.log.read_text()), "fingerprint and pin")
    fingerprint, pin = re.search(printed, sidekick.log.read_text()).groups()
    target = rig.target("auto-tls", sidekick)
    port = sidekick.port
    at = f"127.0.0.1:{port}"
    get = ["curl", "--silent", "--show-error", "--fail"]

    def pem() -> str:
        done = run(target, [*get, "--insecure", f"https://{at}/v1/certificates"])
        return done["out"].decode()

    wait_until(pem, "the certificate")
    cert = target.file("own.pem")
    cert.write_text(pem())
    shown = openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256")
    assert shown.strip().endswith(f"={fingerprint}"), f"{fingerprint} is printed, {shown} it is"
    for host in ("localhost", "127.0.0.1"):
        succeed(target, [*get, "--cacert", str(cert), f"https://{host}:{port}/healthz"])
    succeed(target, [*get, "--insecure", "--pinnedpubkey", pin, f"https://{at}/healthz"])
    other = "sha256//" + "A" * 43 + "="
    refused = run(target, [*get, "--insecure", "--pinnedpubkey", other, f"https://{at}/healthz"])
    assert refused["code"] == 90, f"curl took another pin: {refused}"
    return pin


def flags_of(identity: Identity) -> tuple[str, ...]:
    """Flags: show this."""
    return ("--cert", str(identity.cert), "--key", str(identity.key))


def password(text: str = PASSWORD) -> dict[str, str]:
    """The environment that says it."""
    return {"SIDEKICK_KEY_PASSWORD": text}


def encrypted(rig: Rig, way: str) -> Identity:
    """An RSA key, encrypted, with its certificate."""
    made = rig.authority.issue("encrypted", key_type="rsa")
    key = rig.work / "encrypted.key"
    how = ENCRYPTIONS[way]
    openssl(*how, "-in", made.key, "-out", key, "-passout", f"pass:{PASSWORD}")
    assert "ENCRYPTED" in key.read_text()
    return Identity(made.cert, key)


def refused_start(rig: Rig, identity: Identity, env: dict[str, str]) -> str:
    """Start sidekick, which must end with exit code 1: the one line that it says."""
    argv = [rig.binary, "--address", "127.0.0.1:0", *flags_of(identity), rig.seaweed.endpoint(0)]
    clean = {name: value for name, value in os.environ.items() if "SIDEKICK" not in name}
    done = subprocess.run(argv, env=clean | env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, check=False)  # fmt: skip
    assert done.returncode == 1, f"exit code {done.returncode}: {done.stderr}"
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) == 1, f"{len(lines)} lines: {lines}"
    return lines[0]


SCENARIOS = [
    encrypted_key_opens_with_its_password,
    wrong_password_ends_the_start_with_one_line,
    key_of_another_certificate_ends_the_start_with_one_line,
    each_type_of_key_is_served,
    served_certificates_are_at_their_path,
    certificate_of_its_own_is_accepted_by_curl,
]
