"""Certificates replaced every second under load, in the way Kubernetes does: nobody notices."""

import functools
import json
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from harness.authority import Identity
from harness.process import Process
from harness.sidekick import Sidekick
from secure.nginx import Server
from secure.rig import Rig

PROCESSES = 2
# sidekick looks at its files every so many seconds.
LOOKS = 5


class Secret:
    """A mounted secret: files are links into a folder that one rename replaces."""

    def __init__(self, folder: Path, issue: Callable[[], Identity]):
        self.folder = folder
        self.issue = issue
        self.turn = 0
        # Serial numbers in the order of issue.
        self.serials: list[str] = []
        folder.mkdir()
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(f"..data/{name}")
        self.replace()

    @property
    def identity(self) -> Identity:
        """The files that never change their names."""
        return Identity(self.folder / "tls.crt", self.folder / "tls.key")

    def replace(self) -> None:
        """A new folder, a link swapped, the old folder gone at once."""
        issued = self.issue()
        self.serials.append(issued.serial)
        old, new = (self.folder / f"..{turn}" for turn in (self.turn, self.turn + 1))
        self.turn += 1
        new.mkdir()
        shutil.copy(issued.cert, new / "tls.crt")
        shutil.copy(issued.key, new / "tls.key")
        link = self.folder / "..data_tmp"
        link.symlink_to(new.name)
        link.rename(self.folder / "..data")
        shutil.rmtree(old, ignore_errors=True)


class Load:
    """Processes of visitors."""

    def __init__(self, rig: Rig, sidekick: Sidekick, name: str):
        self.until = rig.work / f"{name}-stop"
        script = Path(__file__).with_name("visitors.py")
        self.processes = []
        for number in range(PROCESSES):
            argv = [sys.executable, str(script), "--port", str(sidekick.port), "--trust",
                    str(rig.authority.root), "--until", str(self.until)]  # fmt: skip
            process = Process("visitors", argv, rig.work / f"{name}-{number}.json")
            rig.running.append(process)
            self.processes.append(process)

    def run_during(self, events: Callable[[], None]) -> tuple[Counter, Counter]:
        """Keep it on while `events` happen; no error may have come: calls by kind, serials seen."""
        for process in self.processes:
            process.start()
        try:
            events()
        finally:
            self.until.touch()
            for process in self.processes:
                process.wait(timeout=30)
        told = [json.loads(process.log.read_text()) for process in self.processes]
        errors = [error for part in told for error in part["errors"]]
        assert not errors, "\n".join([f"{len(errors)} errors", *errors[:5]])
        add = functools.partial(sum, start=Counter())
        calls = add(Counter(part["calls"]) for part in told)
        assert len(calls) == 3, f"not all kinds of visitors came: {calls}"
        return calls, add(Counter(part["serials"]) for part in told)


def replaced_certificate_fails_no_request(rig: Rig) -> str:
    """The listener's."""
    secret = Secret(rig.work / "secret", lambda: rig.authority.issue("rotated"))
    backend = Server(rig.server)
    rig.nginx(backend)
    shown = ("--cert", str(secret.identity.cert), "--key", str(secret.identity.key))
    sidekick = rig.sidekick([backend.endpoint], *rig.trusting, *shown)
    sidekick.start_and_wait()
    load = Load(rig, sidekick, "rotation")
    calls, seen = load.run_during(lambda: rotate(rig, secret, sidekick))
    enough(rig, secret, set(seen))
    errors = sidekick.metric("sidekick_tls_handshake_errors_total")
    assert errors == 0, f"{errors} failed handshakes"
    return f"{len(secret.serials)} certificates, {len(seen)} of them seen; {told(calls)}"


def replaced_client_certificate_fails_no_request(rig: Rig) -> str:
    """What is shown to a backend that wants it; the backend's log has the serial numbers."""
    issue = functools.partial(rig.authority.issue, "rotated-client", usage="clientAuth")
    secret = Secret(rig.work / "client-secret", issue)
    backend = Server(rig.server, rig.wanting_clients)
    nginx = rig.nginx(backend)
    shown = ("--client-cert", str(secret.identity.cert), "--client-key", str(secret.identity.key))
    sidekick = rig.sidekick([backend.endpoint], *rig.trusting, *shown, *rig.listening)
    sidekick.start_and_wait()
    load = Load(rig, sidekick, "client-rotation")
    calls, _ = load.run_during(lambda: rotate(rig, secret, sidekick))
    lines = [line.split() for line in nginx.access_log.read_text().splitlines()]
    failed = [line for line in lines if line[0] != "200"]
    assert not failed, f"{len(failed)} requests without a good certificate, {failed[0]}"
    seen = {serial for _, serial, path in lines if path == "/kib"}
    enough(rig, secret, seen)
    return f"{len(secret.serials)} certificates, {len(seen)} of them seen; {told(calls)}"


def rotate(rig: Rig, secret: Secret, sidekick: Sidekick) -> None:
    """Replace the secret every second: most of the time without a word, at last with a SIGHUP."""
    begun = time.monotonic()
    for turn in range(1, rig.rotation_seconds + 1):
        secret.replace()
        if turn > quiet(rig):
            sidekick.send(signal.SIGHUP)
        time.sleep(max(0.0, begun + turn - time.monotonic()))


def quiet(rig: Rig) -> int:
    """How many are to be found by looking."""
    return rig.rotation_seconds * 3 // 4


def enough(rig: Rig, secret: Secret, seen: set[str]) -> None:
    """One was seen for each look, and each that was asked for; one of both may be missing, for a
    look between the two files of a pair and for a machine that is busy.
    """
    strangers = seen - set(secret.serials)
    assert not strangers, f"certificates that were never issued: {strangers}"
    # The first was there at the start.
    changed = secret.serials[1:]
    looked, asked = changed[: quiet(rig)], changed[quiet(rig) :]
    for kind, issued, least in (
        ("without a word", looked, len(looked) // LOOKS - 1),
        ("after a SIGHUP", asked, len(asked) - 1),
    ):
        count = len(seen & set(issued))
        assert count >= least, f"{kind} {count} of {len(issued)} certificates were seen"


def told(calls: Counter) -> str:
    """The calls in words."""
    return ", ".join(f"{count} calls by {kind}" for kind, count in calls.items())


SCENARIOS = [replaced_certificate_fails_no_request, replaced_client_certificate_fails_no_request]
