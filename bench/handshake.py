"""TLS as clients and backends see it: whether a server answers, and what was agreed upon."""

import http.client
import re
import ssl
import subprocess

from certificates import CURVE, NAME, SUITE, VERSION, Certificates
from harness.process import Process, wait_until

# Where a backend with TLS says what its client and it have agreed upon.
NEGOTIATED = "/negotiated"
WANTED = f"{VERSION} {SUITE} {CURVE}"
KEY = "ECDSA"
# What s_client says of a handshake: version, suite, curve, key, protocol.
SAID = re.compile(
    r"^ALPN protocol: (?P<protocol>\S+)$|^Peer signature type: (?P<key>\S+)$"
    r"|^Server Temp Key: (?P<curve>[^,\s]+)|^New, (?P<version>\S+), Cipher is (?P<suite>\S+)$",
    re.MULTILINE,
)


def with_client(name: str, port: int, certificates: Certificates, http2: bool) -> str:
    """What the server `name` at `port` agrees upon with a client that offers what the load does;
    raises when that is not what all are measured with."""
    offer = ["-alpn", "h2"] if http2 else []
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME,
         "-CAfile", str(certificates.authority), "-verify_return_error", *offer],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        # With HTTP/2 the server's first words are among them.
        errors="replace",
        check=False,
    )  # fmt: skip
    said: dict[str, str] = {}
    for match in SAID.finditer(done.stdout):
        said |= {what: word for what, word in match.groupdict().items() if word}
    wanted = dict(version=VERSION, suite=SUITE, curve=CURVE, key=KEY)
    if http2:
        wanted["protocol"] = "h2"
    if said != wanted:
        raise RuntimeError(f"{name} agreed upon {said}, not {wanted}:\n{done.stdout}{done.stderr}")
    return " ".join(said[what] for what in wanted)


def with_backend(name: str, port: int, certificates: Certificates | None) -> str:
    """What the proxy `name` at `port` and its backend agree upon; raises as above."""
    status, body = get(port, certificates, NEGOTIATED)
    if status != 200 or body != WANTED:
        raise RuntimeError(f"{name}: {body!r} with its backend ({status}), not {WANTED}")
    return body


def wait_for_https(process: Process, port: int, certificates: Certificates) -> None:
    """Wait until a server answers by TLS; raise at once when its process has ended."""

    def answers() -> bool:
        if not process.running():
            raise RuntimeError(f"{process.name} ended early:\n{process.tail()}")
        try:
            return get(port, certificates, "/")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_until(answers, f"{process.name} to answer 200 by TLS on port {port}")


def get(port: int, certificates: Certificates | None, path: str) -> tuple[int, str]:
    """Status and body of a GET, by TLS where there are certificates to trust."""
    if certificates:
        context = ssl.create_default_context(cafile=str(certificates.authority))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=5, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
