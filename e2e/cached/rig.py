"""Where the scenarios of the cache run: a backend, a store, and sidekicks between them."""

import hashlib
import re
import statistics
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cached.readers import HOST, OWNER, Answer, Download
from cached.recorder import Recorder
from cached.stores import BUCKET, KEYS, Store
from clients.boto import s3
from harness.process import Process, wait_until
from harness.scenario import MIB
from harness.seaweed import Seaweed
from harness.sidekick import Sidekick
from lab.content import Content

# What the cache takes when nothing else is said.
LEAST = MIB
LARGE = 64 * MIB
# An outage is to be met by requests and not by a check of ours, an end of it soon.
OFTEN = ("--health-duration", "500ms")

# A download past a store that stands still takes at most so many times what it takes without a
# cache. The cache leaves such a store after 250 ms before an answer and 400 ms in its middle, however
# long the download is: at this rate it lasts long enough for that to be less than a tenth.
SLOWDOWN = 1.1
RATE = 14 * MIB

ENDS = ("stored", "lagging", "incomplete", "failed")

# In a head's object: the length of a body, the length of its name, its name.
BODY = re.compile(rb"(.{8})\0\0\0f([0-9a-f]{64}/body-[0-9a-f]{32})", re.DOTALL)

# A request past a store that is down: as many times that without a cache, and a millisecond.
GRACE = 0.001
REQUESTS = 50


class CachedSidekick(Sidekick):
    """A sidekick with a cache."""

    def ends(self) -> dict[str, float]:
        """How many fills ended in each way."""
        fills = "sidekick_cache_fills_total"
        return {end: self.metric(rf'{fills}\{{result="{end}"\}}') for end in ENDS}

    def served(self) -> float:
        """Bytes of bodies that came from the store."""
        return self.metric("sidekick_cache_served_bytes_total")

    def wait_for_fill(self, before: dict[str, float] | None = None, lost: bool = False) -> None:
        """Wait until one more has ended than `before`, if not since its start: well, unless it is to
        be lost.
        """
        before = before or dict.fromkeys(ENDS, 0)
        wait_until(lambda: self.ends() != before, "the end of a fill", pause=0.01)
        ends = self.ends()
        assert (ends["stored"] > before["stored"]) != lost, f"from {before} to {ends}"

    def wait_for_store(self, up: bool) -> None:
        """Wait until it holds the store to be up, or down."""
        is_up = "sidekick_cache_store_up"
        wait_until(lambda: self.metric(is_up) == up, f"the store to be {'up' if up else 'down'}")


@dataclass
class Rig:
    """One backend and one store; each scenario has sidekicks and objects of its own."""

    binary: str
    seaweed: Seaweed
    bucket: str
    work: Path
    store: Store
    running: list[Process] = field(default_factory=list)
    lasting: list[Process] = field(default_factory=list)
    started: int = 0

    def start(self) -> None:
        """Start the store."""
        self.store.start(self.lasting.append)

    @cached_property
    def backend(self) -> Recorder:
        """What reaches the backend."""
        return Recorder(self.seaweed.ports[0])

    @cached_property
    def front(self) -> Recorder:
        """What reaches the store; a store that dies or stands still is met without it."""
        return Recorder(self.store.port)

    def sidekick(
        self, endpoint: str | None = None, keys: tuple[str, str] = KEYS, **more
    ) -> CachedSidekick:
        """A sidekick with a cache in the store, which is reached through the recorder unless told
        otherwise; it ends with the scenario.
        """
        access_key, secret_key = keys
        env = {
            "SIDEKICK_CACHE_ENDPOINT": endpoint or self.front.endpoint,
            "SIDEKICK_CACHE_BUCKET": BUCKET,
            "SIDEKICK_CACHE_ACCESS_KEY": access_key,
            "SIDEKICK_CACHE_SECRET_KEY": secret_key,
            "SIDEKICK_CACHE_HEALTH_DURATION": "1s",
        }
        return self.launch(CachedSidekick, env=env, **more)

    def bare(self) -> Sidekick:
        """The same without a cache."""
        return self.launch(Sidekick)

    def launch(self, kind: type[Sidekick], **more):
        """Start one."""
        self.started += 1
        log = self.work / f"sidekick-{self.started}.log"
        arguments = {"flags": OFTEN, "output": ("--log", "--json")} | more
        sidekick = kind(self.binary, [self.backend.endpoint], log, **arguments)
        self.running.append(sidekick)
        sidekick.start_and_wait()
        return sidekick

    def content(self, name: str, size: int = LEAST + 5) -> bytes:
        """A body that no other name has; stored at the backend, past every sidekick."""
        body = Content(name, size).part(0, size)
        self.put(name, body)
        return body

    def put(self, name: str, body: bytes, **arguments) -> None:
        """Store an object at the backend, past every sidekick."""
        origin = s3(self.seaweed.endpoint(0))
        origin.put_object(Bucket=self.bucket, Key=self.key(name), Body=body, **arguments)

    def delete(self, name: str) -> None:
        """Delete an object at the backend, past every sidekick."""
        s3(self.seaweed.endpoint(0)).delete_object(Bucket=self.bucket, Key=self.key(name))

    def key(self, name: str) -> str:
        """The key of an object of this rig."""
        return f"{self.work.name}/{name}"

    def path(self, name: str) -> str:
        """The path of an object."""
        return f"/{self.bucket}/{self.key(name)}"

    def folder(self, name: str) -> str:
        """What the names of all that the store has of an object begin with."""
        resource = f"http\n{HOST}\n\n{self.path(name)}"
        return hashlib.sha256(resource.encode()).hexdigest()

    def stored(self, name: str) -> list[str]:
        """What the store has of an object: names."""
        return [each for each in self.store.objects() if each.startswith(self.folder(name))]

    def read(self, sidekick: Sidekick, name: str, body: bytes) -> Answer:
        """The owner reads; the right bytes come."""
        answer = OWNER.ask(sidekick.port, self.path(name))
        assert answer.status == 200, f"{name}: {answer.status} {answer.body[:300]}"
        assert answer.is_body(body), f"{name}: other bytes came, {answer.cache}"
        return answer

    def fill(self, sidekick: CachedSidekick, name: str, body: bytes) -> Answer:
        """The owner reads what is not stored yet; wait until it is."""
        before = sidekick.ends()
        answer = self.read(sidekick, name, body)
        assert answer.is_fill, f"{name}: {answer.cache}, not a fill"
        sidekick.wait_for_fill(before)
        return answer

    def hit(self, sidekick: CachedSidekick, name: str, body: bytes) -> Answer:
        """The owner reads what is stored: a 304 from the backend, all bytes from the store."""
        before = sidekick.served()
        answer = self.read(sidekick, name, body)
        assert answer.is_validated, f"{name}: {answer.cache}, not validated"
        served = sidekick.served() - before
        assert served == len(body), f"{name}: {served} of {len(body)} bytes came from the store"
        return answer

    def download(self, sidekick: Sidekick, name: str, rate: int = RATE) -> Download:
        """Begin to read a large object slowly."""
        download = Download(sidekick.port, self.path(name), rate)
        download.start()
        return download

    def continues(self, name: str) -> bool:
        """Whether the backend has been asked for the rest of an object."""
        begin = f"GET {self.path(name)} "
        heads = [head.lower() for head in self.backend.heads if head.startswith(begin)]
        return any("\nrange: bytes=" in head and "\nif-match: " in head for head in heads)

    @cached_property
    def usual_seconds(self) -> float:
        """What a slow download takes without a cache."""
        body = self.content("usual", LARGE)
        download = self.download(self.bare(), "usual")
        download.must_be(body)
        return download.seconds

    def is_in_time(self, download: Download) -> str:
        """The rule for a slow download."""
        most = self.usual_seconds * SLOWDOWN
        told = f"{download.seconds:.2f} s, {self.usual_seconds:.2f} s without a cache"
        assert download.seconds <= most, told
        return told

    def costs_nothing(self, sidekick: CachedSidekick, name: str, body: bytes) -> str:
        """The rule for requests past a store that is down; in turn, so that what else the machine
        does is in both.
        """
        bare = self.bare()
        times: dict[Sidekick, list[float]] = {sidekick: [], bare: []}
        for _ in range(REQUESTS):
            for asked, taken in times.items():
                began = time.perf_counter()
                self.read(asked, name, body)
                taken.append(time.perf_counter() - began)
        past, without = (statistics.median(taken) for taken in times.values())
        told = f"{past * 1000:.2f} ms, {without * 1000:.2f} ms without a cache"
        assert past <= without * SLOWDOWN + GRACE, told
        return told

    def nothing_half_is_visible(self) -> int:
        """Each head names bodies that are there, as long as it says; how many bodies."""
        objects = self.store.objects()
        count = 0
        for head in [name for name in objects if name.endswith("/head")]:
            for length, name in BODY.findall(self.store.read(head) or b""):
                told, found = int.from_bytes(length), objects.get(name.decode())
                assert told == found, f"{head}: a body of {told} bytes is {found} bytes"
                count += 1
        return count

    def end_scenario(self) -> None:
        """Stop what the scenario started."""
        while self.running:
            self.running.pop().kill()
        self.backend.rate = 0

    def end(self) -> None:
        """Stop everything."""
        self.front.close()
        self.backend.close()
        for process in reversed(self.lasting):
            process.kill()
