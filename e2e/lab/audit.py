"""After the load: what is in the store must be what the clients were told."""

import random
from collections import Counter
from xml.etree import ElementTree

from lab.load import (
    BUCKET,
    Stored,
    Worker,
    listed_keys,
    path_of,
    refused,
)
from lab.wire import Request, Wire, compare

XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Audit:
    """Reads everything straight from a server, without sidekick."""

    def __init__(self, address: str, port: int, workers: list[Worker]):
        self.reader = Worker(98, random.Random(0), Wire(address, port))
        self.workers = workers
        self.wrong: list[str] = []
        self.late: list[str] = []
        self.read = 0
        self.begun = 0

    def run(self) -> None:
        """All objects of all clients, then all multipart uploads."""
        for worker in self.workers:
            for key, stored in worker.stored.items():
                self.check(key, stored, may_be_there=True, may_be_gone=False)
            for key, stored in worker.unsure.items():
                self.check(key, stored, may_be_there=True, may_be_gone=True)
            for key, stored in worker.gone.items():
                self.check(key, stored, may_be_there=False, may_be_gone=True)
        self.count_uploads()

    def check(self, key: str, stored: Stored, may_be_there: bool, may_be_gone: bool) -> None:
        """An object is whole or not there at all."""

        def check(response, outcome) -> None:
            if response.status == 404:
                response.read()
                if not may_be_gone:
                    outcome.wrong = "was acknowledged and is not there"
                return
            if response.status != 200:
                raise refused(response)
            outcome.size = stored.content.size
            compare(response, stored.content, 0, 0, outcome)
            if not may_be_there:
                self.late.append(f"{key} was deleted and is there again")

        outcome = self.reader.exchange("audit", key, 0, Request("GET", path_of(key)), check)
        self.read += 1
        if outcome.wrong or outcome.error:
            self.wrong.append(f"{key}: {outcome.wrong or outcome.error}")

    def count_uploads(self) -> None:
        """A POST that was repeated has begun two uploads of one key."""
        counts = Counter(self.uploads())
        for worker in self.workers:
            for key, acknowledged in worker.begun.items():
                self.begun += 1
                if counts[key] > 1:
                    self.wrong.append(f"{key}: {counts[key]} uploads were begun by one POST")
                if acknowledged and not counts[key]:
                    self.wrong.append(f"{key}: its upload was acknowledged and is not there")

    def uploads(self) -> list[str]:
        """The keys of all multipart uploads that were begun and left."""
        keys: list[str] = []
        marker = {}
        while True:
            answer: dict[str, bytes] = {}

            def check(response, outcome, answer=answer) -> None:
                if response.status != 200:
                    raise refused(response)
                answer["body"] = response.read()

            query = {"uploads": "", "prefix": "post/", "max-uploads": "1000", **marker}
            request = Request("GET", f"/{BUCKET}", query)
            outcome = self.reader.exchange("audit", "uploads", 0, request, check)
            assert not outcome.error, f"listing the uploads: {outcome.error}"
            keys += listed_keys(answer["body"], "Upload")
            found = ElementTree.fromstring(answer["body"])
            if found.findtext(f"{XMLNS}IsTruncated") != "true":
                return keys
            marker = {
                "key-marker": found.findtext(f"{XMLNS}NextKeyMarker") or "",
                "upload-id-marker": found.findtext(f"{XMLNS}NextUploadIdMarker") or "",
            }
