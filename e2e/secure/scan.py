"""What a scanner finds at sidekick's port: nothing old, nothing weak."""

import socket
import ssl

from sslyze import (
    ScanCommand,
    Scanner,
    ServerNetworkLocation,
    ServerScanRequest,
    ServerScanResult,
    TlsResumptionSupportEnum,
)

from harness.authority import Identity
from secure.nginx import Server
from secure.rig import Rig

OLD = {
    "SSL 2.0": ScanCommand.SSL_2_0_CIPHER_SUITES,
    "SSL 3.0": ScanCommand.SSL_3_0_CIPHER_SUITES,
    "TLS 1.0": ScanCommand.TLS_1_0_CIPHER_SUITES,
    "TLS 1.1": ScanCommand.TLS_1_1_CIPHER_SUITES,
}
NEW = {
    "TLS 1.2": ScanCommand.TLS_1_2_CIPHER_SUITES,
    "TLS 1.3": ScanCommand.TLS_1_3_CIPHER_SUITES,
}
OTHERS = (
    ScanCommand.TLS_COMPRESSION,
    ScanCommand.SESSION_RENEGOTIATION,
    ScanCommand.SESSION_RESUMPTION,
    ScanCommand.TLS_EXTENDED_MASTER_SECRET,
    ScanCommand.HEARTBLEED,
    ScanCommand.ROBOT,
    ScanCommand.OPENSSL_CCS_INJECTION,
)
# All that OpenSSL 3 can be brought to, for the counter-proof.
WEAK = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0; ssl_session_tickets off;"


def scan_finds_nothing_old_and_nothing_weak(rig: Rig) -> str:
    """With an ECDSA key and with an RSA key, which has suites of its own."""
    counts = []
    for key_type in ("ecdsa", "rsa"):
        identity = rig.authority.issue(f"scanned-{key_type}", key_type=key_type)
        flags = ("--cert", str(identity.cert), "--key", str(identity.key))
        sidekick = rig.sidekick([rig.seaweed.endpoint(0)], *flags)
        sidekick.start_and_wait()
        result = scan(sidekick.port)
        found = faults(result)
        assert not found, "\n".join(found)
        accepted = {version: suites(result, command) for version, command in NEW.items()}
        assert all(accepted.values()), f"not all versions are spoken: {accepted}"
        assert sidekick.running(), "sidekick ended"
        counts.append(f"{sum(map(len, accepted.values()))} suites with {key_type}")
    return ", ".join(counts)


def scan_finds_what_is_old_and_weak_elsewhere(rig: Rig) -> str:
    """The proof that the scan above could fail: an nginx that takes everything."""
    server = Server(weak_identity(rig), WEAK)
    rig.nginx(server)
    found = faults(scan(server.port))
    for expected in ("TLS 1.0 is spoken", "TLS 1.1 is spoken", "TLS_RSA_WITH_AES_128_CBC_SHA"):
        assert any(expected in fault for fault in found), f"{expected!r} is not in {found}"
    return f"{len(found)} faults of another server"


def sessions_are_resumed_by_each_version(rig: Rig) -> str:
    """By Python's client: the second connection needs no certificate."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(rig.authority.root))
        context.minimum_version = context.maximum_version = version
        _, session = visit(rig.front.port, context, None)
        reused, _ = visit(rig.front.port, context, session)
        assert reused, f"{version.name}: the session was not resumed"
    return "TLS 1.2, TLS 1.3"


def weak_identity(rig: Rig) -> Identity:
    """RSA: most old suites need it."""
    return rig.authority.issue("weak", key_type="rsa")


def scan(port: int) -> ServerScanResult:
    """All questions to a server on this machine."""
    commands = {*OLD.values(), *NEW.values(), *OTHERS}
    location = ServerNetworkLocation(hostname="localhost", ip_address="127.0.0.1", port=port)
    scanner = Scanner()
    scanner.queue_scans([ServerScanRequest(server_location=location, scan_commands=commands)])
    (result,) = scanner.get_results()
    assert result.scan_result, f"no scan: {result.connectivity_error_trace}"
    return result


def answer(result: ServerScanResult, command: ScanCommand):
    """What one question found."""
    attempt = getattr(result.scan_result, command.value)
    assert attempt.result is not None, f"{command}: {attempt.error_reason} {attempt.error_trace}"
    return attempt.result


def suites(result: ServerScanResult, command: ScanCommand) -> list[str]:
    """The suites that are accepted with a version."""
    accepted = answer(result, command).accepted_cipher_suites
    return [found.cipher_suite.name for found in accepted]


def is_strong(suite: str) -> bool:
    """TLS 1.3's own, and those of 1.2 with a key that is forgotten and authenticated encryption."""
    if "_WITH_" not in suite:
        return True
    has_aead = any(word in suite for word in ("_GCM_", "_CHACHA20_POLY1305"))
    return suite.startswith(("TLS_ECDHE_RSA_", "TLS_ECDHE_ECDSA_")) and has_aead


def faults(result: ServerScanResult) -> list[str]:
    """All that is wrong, a line each."""
    found = [f"{name} is spoken" for name, command in OLD.items() if suites(result, command)]
    for name, command in (OLD | NEW).items():
        weak = [suite for suite in suites(result, command) if not is_strong(suite)]
        found += [f"{name} takes {suite}" for suite in weak]
    renegotiation = answer(result, ScanCommand.SESSION_RENEGOTIATION)
    resumption = answer(result, ScanCommand.SESSION_RESUMPTION)
    secret = answer(result, ScanCommand.TLS_EXTENDED_MASTER_SECRET)
    yes = TlsResumptionSupportEnum.FULLY_SUPPORTED
    resumed = yes in (
        resumption.session_id_resumption_result,
        resumption.tls_ticket_resumption_result,
    )
    robot = answer(result, ScanCommand.ROBOT).robot_result.value
    verdicts = {
        "compression": answer(result, ScanCommand.TLS_COMPRESSION).supports_compression,
        "renegotiation by clients": renegotiation.is_vulnerable_to_client_renegotiation_dos,
        "no secure renegotiation": not renegotiation.supports_secure_renegotiation,
        "no session is resumed": not resumed,
        "no extended master secret": not secret.supports_ems_extension,
        "Heartbleed": answer(result, ScanCommand.HEARTBLEED).is_vulnerable_to_heartbleed,
        "CCS injection": answer(
            result, ScanCommand.OPENSSL_CCS_INJECTION
        ).is_vulnerable_to_ccs_injection,
        f"ROBOT: {robot}": not robot.startswith("NOT_VULNERABLE"),
    }
    return found + [fault for fault, is_so in verdicts.items() if is_so]


def visit(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[bool, ssl.SSLSession]:
    """One request: whether the session was resumed, and the session to go on from."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    name = {"server_hostname": "127.0.0.1", "session": session}
    with plain, context.wrap_socket(plain, **name) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        return connection.session_reused, connection.session


SCENARIOS = [
    scan_finds_nothing_old_and_nothing_weak,
    scan_finds_what_is_old_and_weak_elsewhere,
    sessions_are_resumed_by_each_version,
]
