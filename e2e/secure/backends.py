"""Backends by TLS: which are believed, and what is said of those that are not."""

import json
import signal
from pathlib import Path

from harness.authority import Authority, Identity, self_signed_server
from harness.process import Process, fetch_text, free_port, is_open, status_of, wait_until
from harness.sidekick import Sidekick
from secure.nginx import KIB, Server
from secure.rig import Rig

JSON_LOG = ("--log", "--json", "--trace", "application")


def wrong_name_is_down_and_named(rig: Rig) -> str:
    """A certificate for another host."""
    identity = rig.authority.issue("elsewhere", names=("DNS:elsewhere.test",))
    words = ["certificate is not for this name (127.0.0.1)", "it is for elsewhere.test"]
    return refused_then_taken_insecurely(rig, identity, words)


def unknown_authority_is_down_and_named(rig: Rig) -> str:
    """A certificate of an authority that nobody told of."""
    identity = stranger(rig, "server-authority").issue("unknown")
    return refused_then_taken_insecurely(rig, identity, ["unknown authority"])


def expired_certificate_is_down_and_named(rig: Rig) -> str:
    """A certificate of the week before."""
    identity = rig.authority.issue("expired", days_ago=10, days=5)
    return refused_then_taken_insecurely(rig, identity, ["certificate expired on 20"])


def certificate_of_the_future_is_down_and_named(rig: Rig) -> str:
    """A certificate that begins next week."""
    identity = rig.authority.issue("future", days_ago=-7)
    return refused_then_taken_insecurely(rig, identity, ["certificate is not valid before 20"])


def certificate_of_a_client_is_down_and_named(rig: Rig) -> str:
    """A certificate for another use."""
    identity = rig.authority.issue("use", usage="clientAuth")
    return refused_then_taken_insecurely(rig, identity, ["not for servers"])


def missing_client_certificate_is_down_and_named(rig: Rig) -> str:
    """By TLS 1.3, where the server's alert comes after the handshake, and by 1.2; with and without
    `--insecure`, which is about the other side.
    """
    told = []
    # openssl has no better word for it in 1.2.
    for version, words in (("-tls1_3", "client certificate"), ("-tls1_2", "handshake failure")):
        endpoint = strict(rig, version)
        for more in ((), ("--insecure",)):
            sidekick = rig.sidekick([endpoint], *rig.trusting, *more, output=JSON_LOG)
            told.append(said_down(sidekick, [words]))
            sidekick.kill()
    return told[0]


def client_certificate_of_a_stranger_is_down_and_named(rig: Rig) -> str:
    """The backend does not know who issued it; the same versions."""
    identity = stranger(rig, "client-authority").issue("client", usage="clientAuth")
    showing = ("--client-cert", str(identity.cert), "--client-key", str(identity.key))
    told = []
    for version in ("-tls1_3", "-tls1_2"):
        endpoint = strict(rig, version)
        sidekick = rig.sidekick([endpoint], *rig.trusting, *showing, output=JSON_LOG)
        told.append(said_down(sidekick, ["unknown ca", "--client-cert"]))
    return told[0]


def refusal_of_a_client_certificate_by_http_is_down_and_named(rig: Rig) -> str:
    """nginx shakes hands with everybody and then answers 400."""
    server = wanting_clients(rig, "TLSv1.2 TLSv1.3")
    sidekick = rig.sidekick([server.endpoint], *rig.trusting, output=JSON_LOG)
    return said_down(sidekick, ["400"])


def client_certificate_is_shown_by_each_version(rig: Rig) -> str:
    """TLS 1.2 and 1.3, keys of all types."""
    used = []
    for version in ("TLSv1.2", "TLSv1.3"):
        server = wanting_clients(rig, version)
        for key_type in ("ecdsa", "rsa", "ed25519"):
            identity = rig.authority.issue(key_type, usage="clientAuth", key_type=key_type)
            showing = ("--client-cert", str(identity.cert), "--client-key", str(identity.key))
            serves(rig.sidekick([server.endpoint], *rig.trusting, *showing))
            used.append(f"{version} {key_type}")
    return ", ".join(used)


def server_certificate_that_says_ca_is_trusted_when_it_is_named(rig: Rig) -> str:
    """What `openssl req -x509` makes, as `--cacert`; and refused with a word when it is not."""
    folder = rig.work / "self-signed"
    folder.mkdir()
    server = Server(self_signed_server(folder))
    rig.nginx(server)
    serves(rig.sidekick([server.endpoint], "--cacert", str(server.identity.cert)))
    strange = rig.sidekick([server.endpoint], *rig.trusting, output=JSON_LOG)
    return said_down(strange, ["certificate"])


def plain_server_behind_https_is_down_and_named(rig: Rig) -> str:
    """The usual slip: the wrong scheme."""
    endpoint = rig.seaweed.endpoint(0).replace("http:", "https:")
    return said_down(
        rig.sidekick([endpoint], *rig.trusting, output=JSON_LOG), ["not a TLS server", "http://"]
    )


def renewed_certificate_brings_a_backend_back(rig: Rig) -> str:
    """Expired, then renewed in place and read again by nginx: up without a restart of sidekick."""
    server = Server(rig.authority.issue("renewed", days_ago=10, days=5))
    nginx = rig.nginx(server)
    sidekick = rig.sidekick([server.endpoint], *rig.trusting, output=JSON_LOG)
    said_down(sidekick, ["expired"])
    rig.authority.issue("renewed")
    nginx.send(signal.SIGHUP)
    wait_until(lambda: status_of(sidekick.port, "/v1/health") == 200, "the backend to be up")
    # A worker of nginx that is on its way out may take one more connection.
    wait_until(lambda: fetch_text(sidekick.port, "/kib") == KIB, "an answer by the new certificate")
    return "up again"


def refused_then_taken_insecurely(rig: Rig, identity: Identity, words: list[str]) -> str:
    """A backend with this certificate is down for these words; `--insecure` takes it."""
    server = Server(identity)
    rig.nginx(server)
    serves(rig.sidekick([server.endpoint], *rig.trusting, "--insecure"))
    return said_down(rig.sidekick([server.endpoint], *rig.trusting, output=JSON_LOG), words)


def wanting_clients(rig: Rig, versions: str) -> Server:
    """A server that speaks to nobody without a certificate."""
    server = Server(rig.server, f"{rig.wanting_clients} ssl_protocols {versions};")
    rig.nginx(server)
    return server


def strict(rig: Rig, version: str) -> str:
    """The URL of an openssl that refuses in the handshake whoever shows no certificate of ours."""
    port = free_port()
    argv = [
        *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", version, "-www", "-quiet"),
        *("-cert", str(rig.server.cert), "-cert_chain", str(rig.server.cert)),
        *("-key", str(rig.server.key), "-CAfile", str(rig.authority.root)),
        *("-Verify", "3", "-verify_return_error"),
    ]
    server = Process("openssl", argv, rig.work / f"openssl-{port}.log")
    rig.running.append(server)
    server.start()
    wait_until(lambda: is_open(port), "openssl to listen")
    return f"https://127.0.0.1:{port}"


def stranger(rig: Rig, name: str) -> Authority:
    """An authority that nobody trusts."""
    return Authority(rig.work / name, "strange")


def serves(sidekick: Sidekick) -> None:
    """Start it; its backend is up and its answer comes through."""
    sidekick.start_and_wait()
    assert fetch_text(sidekick.port, "/kib") == KIB
    sidekick.kill()


def said_down(sidekick: Sidekick, words: list[str]) -> str:
    """Start it and wait until it says that its backend is down: the reason, with `words`."""
    sidekick.start()
    wait_until(lambda: reasons(sidekick.log), "a line that the backend is down")
    reason = reasons(sidekick.log)[0]
    assert all(word in reason for word in words), f"{reason!r} does not say {words}"
    assert status_of(sidekick.port, "/v1/health") == 502
    return reason


def reasons(log: Path) -> list[str]:
    """Why backends went down, in order."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["Error"] for line in lines if line.get("Status") == "down"]


SCENARIOS = [
    wrong_name_is_down_and_named,
    unknown_authority_is_down_and_named,
    expired_certificate_is_down_and_named,
    certificate_of_the_future_is_down_and_named,
    certificate_of_a_client_is_down_and_named,
    missing_client_certificate_is_down_and_named,
    client_certificate_of_a_stranger_is_down_and_named,
    refusal_of_a_client_certificate_by_http_is_down_and_named,
    client_certificate_is_shown_by_each_version,
    server_certificate_that_says_ca_is_trusted_when_it_is_named,
    plain_server_behind_https_is_down_and_named,
    renewed_certificate_brings_a_backend_back,
]
