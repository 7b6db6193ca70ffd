"""Scenarios of a client, run against an endpoint and written down in a form that compares."""

import hashlib
import http.client
import json
import random
import traceback
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

MIB = 1 << 20

# What differs between two runs against one server, too; and what belongs to one connection.
VOLATILE = {"date", "last-modified", "x-amz-request-id", "x-amz-id-2", "connection", "keep-alive"}


@dataclass(frozen=True)
class Target:
    """Where a client's scenarios run: straight at an S3 server, or through sidekick."""

    endpoint: str
    bucket: str
    client: str
    work: Path
    inputs: Path
    proxied: bool

    def key(self, name: str) -> str:
        """A key of this client's own: all clients share one bucket."""
        return f"{self.client}/{name}"

    def file(self, name: str) -> Path:
        """A scratch file of this client's own; its folder is there."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def headers(self, pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
        """Response fields in order, without the volatile ones and sidekick's own mark."""
        kept = [[name, value] for name, value in pairs if name.lower() not in VOLATILE]
        if not self.proxied:
            return kept
        marks = [value for name, value in kept if name.lower() == "x-proxy"]
        assert marks == ["true"], f"X-Proxy is {marks}, not once 'true'"
        return [pair for pair in kept if pair[0].lower() != "x-proxy"]

    def canonical(self, value: object) -> object:
        """A value of JSON that is the same for the same behaviour on both sides."""
        if isinstance(value, dict):
            return {self.text(str(name)): self.canonical(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.canonical(item) for item in value]
        if isinstance(value, bytes):
            return digest(value)
        if isinstance(value, datetime):
            return "a time"
        if isinstance(value, str):
            return self.text(value)
        return value

    def text(self, value: str) -> str:
        """A string with the names of this run replaced."""
        host = self.endpoint.removeprefix("http://")
        replaced = value.replace(host, "HOST").replace(self.bucket, "BUCKET")
        return replaced.replace(str(self.work), "WORK").replace(str(self.inputs), "INPUTS")


@dataclass
class Result:
    """What one scenario gave on one side."""

    value: object = None
    error: str | None = None


@dataclass
class Client:
    """A named list of scenarios; a scenario returns what it saw and raises when that is wrong."""

    name: str
    scenarios: list[Callable[[Target], object]] = field(default_factory=list)

    def scenario(self, function: Callable[[Target], object]) -> Callable[[Target], object]:
        """Decorator: add a scenario; its name is the function's."""
        self.scenarios.append(function)
        return function

    def run(self, target: Target) -> dict[str, Result]:
        """Run all scenarios in order; one that fails does not stop the others."""
        results = {}
        for function in self.scenarios:
            try:
                value = target.canonical(function(target))
                result = Result(value=json.loads(json.dumps(value, sort_keys=True)))
            except Exception:
                result = Result(error=target.text(traceback.format_exc()))
            results[function.__name__] = result
        return results


def digest(body: bytes) -> dict[str, object]:
    """Size and SHA-256 of a body."""
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def digest_of_file(path: Path) -> dict[str, object]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": sha256}


def body_of(size: int, seed: int = 1) -> bytes:
    """The same `size` bytes in every run: no two parts of them are alike."""
    return random.Random(seed).randbytes(size)


def fetch(
    method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """One plain HTTP request with its target exactly as in `url`: status, fields, body."""
    parts = urllib.parse.urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()
    finally:
        connection.close()


# Keys that a proxy which decodes, merges or normalises would change.
STRANGE_KEYS = [
    "a//b",
    "x%2Fy",
    "per%cent",
    "plus+plus",
    "two  spaces",
    "snow/☃/ünï",
    "at@sign",
    "a=b&c=d",
    "semi;colon,comma",
    "quote'and(paren)!*",
    "tilde~dollar$",
    "hash#question?",
    "colon:pipe|",
    "back\\slash",
    "dots..in..name",
    "trailing/",
    ".hidden",
]
