"""Clients that do everything S3 clients do, each on keys of its own, and check every answer."""

import math
import random
import threading
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.scenario import MIB
from lab.content import Content
from lab.wire import BROKEN, Outcome, Request, Unwanted, Wire, compare, refused

BUCKET = "chaos"
KIB = 1 << 10
# Objects that are there before the load begins and never change.
FIXED = [
    Content(f"fixed/{size}-{copy}", size)
    for size in (4 * KIB, 64 * KIB, 512 * KIB, 4 * MIB, 16 * MIB, 64 * MIB)
    for copy in (1, 2)
]
FIXED_WEIGHTS = [12, 12, 8, 8, 6, 6, 4, 4, 2, 2, 1, 1]
LARGEST_PUT = 30 * MIB
HELD = 64 * KIB
# Large bodies go slowly, or they would be over before anything can happen to them.
PACES = (4 * MIB, 8 * MIB, 16 * MIB)
KEPT = 20
XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Stored:
    """An object of a client's own, and when its upload began."""

    content: Content
    began: float


@dataclass
class Worker:
    """One client. What it knows of its keys is what the acknowledgements said."""

    number: int
    random: random.Random
    wire: Wire
    outcomes: list[Outcome] = field(default_factory=list)
    stored: dict[str, Stored] = field(default_factory=dict)
    gone: dict[str, Stored] = field(default_factory=dict)
    # Uploads and deletions that failed: they may have happened or may happen yet.
    unsure: dict[str, Stored] = field(default_factory=dict)
    # Keys of multipart uploads that were begun and left: whether that was acknowledged.
    begun: dict[str, bool] = field(default_factory=dict)
    current: Outcome | None = None
    fault: str | None = None
    turn: int = 0

    def run(self, stop: threading.Event) -> None:
        """One request after the other until told to stop."""
        try:
            while not stop.is_set():
                self.random.choices(list(MIX), list(MIX.values()))[0](self)
                time.sleep(self.random.uniform(0.0, 0.2))
        except Exception:
            self.fault = traceback.format_exc()

    def name(self, kind: str) -> str:
        """A key that nobody has used before."""
        self.turn += 1
        return f"{kind}/{self.number:02}-{self.turn:06}"

    def exchange(
        self,
        kind: str,
        key: str,
        size: int,
        request: Request,
        check: Callable[[object, Outcome], None],
    ) -> Outcome:
        """Send a request, check its answer and record what it came to."""
        outcome = Outcome(f"{self.number:02}-{len(self.outcomes):06}", kind, key, size)
        self.outcomes.append(outcome)
        self.current = outcome
        try:
            check(self.wire.ask(request, outcome), outcome)
        except Unwanted as unwanted:
            outcome.error = str(unwanted)
        except BROKEN as error:
            outcome.error = f"{type(error).__name__}: {error} after {outcome.received} bytes"
        outcome.ended = time.monotonic()
        self.current = None
        if outcome.error is not None or self.random.random() < 0.05:
            self.wire.close()
        return outcome

    def some_content(self) -> Content:
        """An object that is there, fixed or its own."""
        if self.stored and self.random.random() < 0.3:
            return self.random.choice(list(self.stored.values())).content
        return self.random.choices(FIXED, FIXED_WEIGHTS)[0]

    def pace(self, size: int) -> int:
        """The pace of a body."""
        return self.random.choice(PACES) if size >= MIB else 0


def path_of(key: str) -> str:
    """The path of a key that needs no escaping."""
    return f"/{BUCKET}/{key}"


def expect_status(*wanted: int) -> Callable[[object, Outcome], None]:
    """A check of the status alone; the body is read and thrown away."""

    def check(response, outcome: Outcome) -> None:
        if response.status not in wanted:
            raise refused(response)
        response.read()

    return check


def get_whole(worker: Worker) -> None:
    """GET an object and compare every byte."""
    content = worker.some_content()
    pace = worker.pace(content.size)

    def check(response, outcome: Outcome) -> None:
        if response.status != 200:
            raise refused(response)
        expect_field(response, outcome, "Content-Length", str(content.size))
        compare(response, content, 0, pace, outcome)

    request = Request("GET", path_of(content.name), pace=pace)
    worker.exchange("GET", content.name, content.size, request, check)


def get_range(worker: Worker) -> None:
    """GET a part of an object and compare every byte."""
    content = worker.some_content()
    first = worker.random.randrange(content.size)
    last = worker.random.randrange(first, content.size)
    size = last + 1 - first
    pace = worker.pace(size)

    def check(response, outcome: Outcome) -> None:
        if response.status != 206:
            raise refused(response)
        expect_field(response, outcome, "Content-Length", str(size))
        place = f"bytes {first}-{last}/{content.size}"
        expect_field(response, outcome, "Content-Range", place)
        compare(response, content, first, pace, outcome)

    headers = {"Range": f"bytes={first}-{last}"}
    request = Request("GET", path_of(content.name), headers=headers, pace=pace)
    worker.exchange("GET range", content.name, size, request, check)


def get_gone(worker: Worker) -> None:
    """GET what was deleted: it must not be there."""
    if not worker.gone:
        return
    key, stored = worker.random.choice(list(worker.gone.items()))

    def check(response, outcome: Outcome) -> None:
        if response.status == 200:
            outcome.size = stored.content.size
            compare(response, stored.content, 0, 0, outcome)
            outcome.late = f"{key} was deleted and is there again"
        elif response.status != 404:
            raise refused(response)
        else:
            response.read()

    worker.exchange("GET", key, 0, Request("GET", path_of(key)), check)


def head(worker: Worker) -> None:
    """HEAD an object: its size."""
    content = worker.some_content()

    def check(response, outcome: Outcome) -> None:
        response.read()
        if response.status != 200:
            raise refused(response)
        expect_field(response, outcome, "Content-Length", str(content.size))

    request = Request("HEAD", path_of(content.name))
    worker.exchange("HEAD", content.name, 0, request, check)


def expect_field(response, outcome: Outcome, name: str, value: str) -> None:
    """A field of an answer must have this value."""
    found = response.getheader(name)
    if found != value:
        outcome.wrong = f"{name} is {found}, not {value}"
        raise Unwanted(outcome.wrong)


def put(worker: Worker) -> None:
    """PUT a new object, small enough to be held or not, with `Expect` or without."""
    content = Content(worker.name("put"), size_of_upload(worker.random))
    put_content(worker, content)
    if len(worker.stored) > KEPT:
        delete(worker)


def put_content(worker: Worker, content: Content) -> None:
    """PUT a new object and remember what is known of it afterwards."""
    request = Request(
        "PUT",
        path_of(content.name),
        body=content,
        expect=worker.random.random() < 0.5,
        pace=worker.pace(content.size),
    )
    kind = "PUT held" if content.size <= HELD else "PUT"
    outcome = worker.exchange(kind, content.name, content.size, request, expect_status(200))
    known = worker.unsure if outcome.error else worker.stored
    known[content.name] = Stored(content, outcome.began)


def size_of_upload(source: random.Random) -> int:
    """Half of them can be held; of the others, few are large."""
    if source.random() < 0.5:
        return source.randrange(1, HELD + 1)
    return int(math.exp(source.uniform(math.log(HELD + 1), math.log(LARGEST_PUT))))


def delete(worker: Worker) -> None:
    """DELETE an object of its own."""
    if not worker.stored:
        return
    key = worker.random.choice(list(worker.stored))
    stored = worker.stored.pop(key)
    request = Request("DELETE", path_of(key))
    outcome = worker.exchange("DELETE", key, 0, request, expect_status(204))
    known = worker.unsure if outcome.error else worker.gone
    known[key] = stored


def list_own(worker: Worker) -> None:
    """LIST its own keys: what was acknowledged is there, what was deleted is not."""
    prefix = f"put/{worker.number:02}-"

    def check(response, outcome: Outcome) -> None:
        if response.status != 200:
            raise refused(response)
        found = listed_keys(response.read(), "Contents")
        check_listing(worker, set(found), outcome)

    query = {"list-type": "2", "prefix": prefix}
    worker.exchange("LIST", prefix, 0, Request("GET", f"/{BUCKET}", query), check)


def listed_keys(body: bytes, element: str) -> list[str]:
    """The keys in a listing."""
    items = ElementTree.fromstring(body).iter(f"{XMLNS}{element}")
    return [item.findtext(f"{XMLNS}Key") or "" for item in items]


def check_listing(worker: Worker, found: set[str], outcome: Outcome) -> None:
    """Compare a listing with what the worker knows."""
    missing = worker.stored.keys() - found
    if missing:
        outcome.wrong = f"not listed: {sorted(missing)[:3]}"
        raise Unwanted(outcome.wrong)
    back = found & worker.gone.keys()
    if back:
        outcome.late = f"{sorted(back)[0]} was deleted and is listed"
    strange = found - worker.stored.keys() - worker.unsure.keys() - back
    if strange:
        outcome.wrong = f"listed, but never stored: {sorted(strange)[:3]}"
        raise Unwanted(outcome.wrong)


def begin_upload(worker: Worker) -> None:
    """POST that begins a multipart upload and leaves it: the end counts how many there are."""
    key = worker.name("post")
    request = Request("POST", path_of(key), {"uploads": ""}, body=b"")
    outcome = worker.exchange("POST", key, 0, request, expect_status(200))
    worker.begun[key] = outcome.error is None


def multipart(worker: Worker) -> None:
    """An upload of one part: POST, PUT, POST."""
    content = Content(worker.name("put"), worker.random.randrange(1, 2 * HELD))
    path = path_of(content.name)
    answer: dict[str, str] = {}

    def check_begun(response, outcome: Outcome) -> None:
        if response.status != 200:
            raise refused(response)
        found = ElementTree.fromstring(response.read()).findtext(f"{XMLNS}UploadId")
        answer["uploadId"] = found or ""

    def check_part(response, outcome: Outcome) -> None:
        expect_status(200)(response, outcome)
        answer["etag"] = response.getheader("ETag") or ""

    def check_complete(response, outcome: Outcome) -> None:
        # S3 may answer 200 and tell of a failure in the body.
        if response.status != 200:
            raise refused(response)
        body = response.read()
        if b"CompleteMultipartUploadResult" not in body:
            raise Unwanted(f"not completed: {body[:200]!r}")

    request = Request("POST", path, {"uploads": ""}, body=b"")
    if worker.exchange("POST", content.name, 0, request, check_begun).error:
        return
    query = {"partNumber": "1", "uploadId": answer["uploadId"]}
    kind = "PUT held" if content.size <= HELD else "PUT"
    request = Request("PUT", path, query, body=content)
    if worker.exchange(kind, content.name, content.size, request, check_part).error:
        return
    body = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{answer['etag']}</ETag></Part></CompleteMultipartUpload>"
    ).encode()
    request = Request("POST", path, {"uploadId": answer["uploadId"]}, body=body)
    outcome = worker.exchange("POST", content.name, len(body), request, check_complete)
    known = worker.unsure if outcome.error else worker.stored
    known[content.name] = Stored(content, outcome.began)


MIX: dict[Callable[[Worker], None], int] = {
    get_whole: 30,
    get_range: 20,
    get_gone: 3,
    head: 15,
    put: 14,
    delete: 4,
    list_own: 6,
    begin_upload: 5,
    multipart: 3,
}


class Load:
    """All clients, each in a thread of its own."""

    def __init__(self, address: str, port: int, count: int, seed: int):
        self.workers = [
            Worker(number, random.Random(f"{seed}/{number}"), Wire(address, port))
            for number in range(count)
        ]
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=worker.run, args=(self.stopping,), daemon=True)
            for worker in self.workers
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self.threads:
            thread.start()

    def stop(self, patience: float) -> list[Outcome]:
        """Let each finish its request; gives the requests that have not come to an end."""
        self.stopping.set()
        deadline = time.monotonic() + patience
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [worker.current for worker in self.workers if worker.current is not None]

    def faults(self) -> list[str]:
        """What went wrong in the laboratory itself."""
        return [worker.fault for worker in self.workers if worker.fault]

    def outcomes(self) -> list[Outcome]:
        """All requests that have ended, in the order in which they began."""
        every = [outcome for worker in self.workers for outcome in worker.outcomes]
        return sorted((one for one in every if one.ended), key=lambda one: one.began)


def prepare(address: str, port: int) -> None:
    """Make the bucket and store the fixed objects, straight at a server."""
    worker = Worker(99, random.Random(0), Wire(address, port))
    request = Request("PUT", f"/{BUCKET}")
    must(worker.exchange("PUT", BUCKET, 0, request, expect_status(200)))
    for content in FIXED:
        request = Request("PUT", path_of(content.name), body=content)
        outcome = worker.exchange("PUT", content.name, content.size, request, expect_status(200))
        must(outcome)


def must(outcome: Outcome) -> None:
    """What prepares the run must succeed."""
    assert outcome.error is None, f"{outcome.kind} {outcome.key}: {outcome.error}"
