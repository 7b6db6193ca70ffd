"""What an application sees while S3 servers die and sidekick is told to stop: nothing."""

import functools
import hashlib
import http.client
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

import service
from clients.boto import s3
from harness.process import fetch_text, wait_until
from harness.scenario import MIB, body_of
from harness.seaweed import Seaweed
from harness.sidekick import Sidekick

THREADS = 4
# Health checks often, so that the restarted server is back within the run.
FLAGS = ("--health-duration", "500ms")


@dataclass
class Rig:
    """Where these scenarios run."""

    binary: str
    seaweed: Seaweed
    bucket: str
    work: Path

    def sidekick(self, name: str) -> Sidekick:
        """A sidekick of this scenario alone, over both S3 servers."""
        site = f"{self.seaweed.endpoint(0)},{self.seaweed.endpoint(1)}"
        sidekick = Sidekick(self.binary, [site], self.work / f"sidekick-{name}.log", FLAGS)
        sidekick.start_and_wait()
        return sidekick

    def start_server_again(self, number: int) -> None:
        """Bring a killed S3 server back on its port."""
        self.seaweed.gateways[number].start()
        self.seaweed.wait_for_gateway(number)


@dataclass
class Load:
    """Threads that write and read small objects and note each error."""

    endpoint: str
    bucket: str
    calls: int = 0
    errors: list[str] = field(default_factory=list)
    written: dict[str, bytes] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def one_thread(self, number: int) -> None:
        """PUT and GET until told to stop; what was written must be what is read."""
        client = s3(self.endpoint)
        turn = 0
        while not self.stop.is_set():
            key = f"failover/{number}/{turn % 20}"
            body = body_of(4096, number * 1_000_000 + turn)
            turn += 1
            try:
                client.put_object(Bucket=self.bucket, Key=key, Body=body)
                self.written[key] = body
                read = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except (ClientError, BotoCoreError) as error:
                self.errors.append(f"{key}: {error}")
                continue
            if read != body:
                self.errors.append(f"{key}: read other bytes than were written")
            self.calls += 2

    def run_during(self, events: Callable[[], None]) -> None:
        """Keep the load on while `events` happen."""
        threads = [threading.Thread(target=self.one_thread, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            events()
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def goes_on(self, calls: int = 200) -> None:
        """Wait until so many more calls have succeeded."""
        goal = self.calls + calls
        wait_until(lambda: self.calls >= goal or self.errors, f"{calls} more calls")

    def verdict(self) -> str:
        """No error, and everything written is there."""
        assert not self.errors, "\n".join([f"{len(self.errors)} errors", *self.errors[:5]])
        client = s3(self.endpoint)
        for key, body in self.written.items():
            read = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            assert read == body, f"{key} is not what was written"
        return f"{self.calls} calls, no error"


def server_killed_and_restarted_is_not_noticed(rig: Rig) -> str:
    """Each S3 server in turn is killed in the middle of a loop of PUT and GET."""
    sidekick = rig.sidekick("killed")
    load = Load(sidekick.endpoint, rig.bucket)

    def events():
        for number in (0, 1):
            load.goes_on()
            rig.seaweed.gateways[number].kill()
            load.goes_on()
            rig.start_server_again(number)
            # The other one is killed next: this one must have been found healthy again.
            used = functools.partial(rig.seaweed.object_requests, number)
            wait_until(used, f"s3 server {number + 1} to be used again")

    try:
        load.run_during(events)
        return load.verdict()
    finally:
        sidekick.kill()


def reload_loses_no_request(rig: Rig) -> str:
    """SIGHUP under load."""
    sidekick = rig.sidekick("reload")
    load = Load(sidekick.endpoint, rig.bucket)

    def events():
        for _ in range(5):
            load.goes_on(100)
            sidekick.send(signal.SIGHUP)
        load.goes_on(100)

    try:
        load.run_during(events)
        assert sidekick.running(), "sidekick ended"
        return load.verdict()
    finally:
        sidekick.kill()


class SlowDownload(threading.Thread):
    """A client that reads one large object at a bounded rate."""

    def __init__(self, endpoint: str, bucket: str, rate: int):
        super().__init__()
        self.rate = rate
        self.body = s3(endpoint).get_object(Bucket=bucket, Key="large")["Body"]
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.error: Exception | None = None

    def run(self) -> None:
        started = time.monotonic()
        try:
            while piece := self.body.read(256 * 1024):
                self.sha256.update(piece)
                self.size += len(piece)
                ahead = self.size / self.rate - (time.monotonic() - started)
                time.sleep(max(0.0, ahead))
        except (BotoCoreError, OSError, http.client.HTTPException) as error:
            self.error = error

    def verdict(self, expected: bytes) -> None:
        """Every byte came, in order."""
        assert self.error is None, f"after {self.size} bytes: {self.error}"
        assert self.size == len(expected), f"{self.size} bytes of {len(expected)}"
        assert self.sha256.digest() == hashlib.sha256(expected).digest(), "other bytes came"


def store_large(rig: Rig, size: int) -> bytes:
    """Store the large object straight at a server."""
    body = body_of(size, 9)
    s3(rig.seaweed.endpoint(1)).put_object(Bucket=rig.bucket, Key="large", Body=body)
    return body


def download_survives_its_server(rig: Rig) -> str:
    """Two slow downloads, one on each S3 server, while one server is killed: both arrive whole."""
    body = store_large(rig, 64 * MIB)
    sidekick = rig.sidekick("resumed")
    try:
        downloads = [SlowDownload(sidekick.endpoint, rig.bucket, 16 * MIB) for _ in range(2)]
        for download in downloads:
            download.start()
        wait_until(lambda: all(d.size > 8 * MIB for d in downloads), "both downloads to run")
        rig.seaweed.gateways[0].kill()
        for download in downloads:
            download.join()
            download.verdict(body)
        figures = fetch_text(sidekick.port, "/.prometheus/metrics")
        resumes = re.findall(r"^sidekick_resumes_total\{.*\} (\d+)", figures, re.MULTILINE)
        assert sum(map(int, resumes)) == 1, f"resumed {resumes} times, not that of the killed server"
        return "both whole, 1 of them carried on from the other server"
    finally:
        sidekick.kill()
        rig.start_server_again(0)


def termination_waits_for_a_slow_download(rig: Rig) -> str:
    """SIGTERM in the middle of a download: the whole body, exit code 0, no new connections."""
    body = store_large(rig, 64 * MIB)
    sidekick = rig.sidekick("drain")
    try:
        download = SlowDownload(sidekick.endpoint, rig.bucket, 16 * MIB)
        download.start()
        wait_until(lambda: download.size > 8 * MIB, "the download to run")
        sidekick.send(signal.SIGTERM)
        download.join()
        download.verdict(body)
        code = sidekick.wait(timeout=10)
        assert code == 0, f"exit code {code}"
        return "body whole, exit code 0"
    finally:
        sidekick.kill()


def service_manager_hands_over_its_socket(rig: Rig) -> str:
    """Socket activation, and telling the service manager of start and end."""
    backend = rig.seaweed.endpoint(0)
    return service.socket_is_taken_over_and_readiness_told(rig.binary, backend, rig.work)


SCENARIOS = [
    service_manager_hands_over_its_socket,
    server_killed_and_restarted_is_not_noticed,
    reload_loses_no_request,
    download_survives_its_server,
    termination_waits_for_a_slow_download,
]
