"""The stores: SeaweedFS and moto, each with a bucket for the cache alone."""

from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import ClientError

from clients.boto import s3
from harness.command import installed_beside_python
from harness.process import Process, free_port, wait_for_http
from harness.scenario import MIB
from harness.seaweed import EVERYTHING, Seaweed, identity

BUCKET = "e2e-cache"
# No client has these.
KEYS = ("e2ecachekeeper", "e2e/keeper+key=of=forty=characters=12345")
KEYS_TO_READ = ("e2ecachelooker", "e2e/looker+key=of=forty=characters=12345")
IDENTITIES = {
    "identities": [
        identity("keeper", *KEYS, *EVERYTHING),
        identity("looker", *KEYS_TO_READ, "Read", "List"),
    ]
}


class Store:
    """A bucket in a server that can be stopped, killed and started again."""

    process: Process
    port: int
    # An object of this size is read like any other.
    large = 64 * MIB

    def start(self, note: Callable[[Process], None]) -> None:
        """Start the server, telling it, and make the bucket."""
        raise NotImplementedError

    def start_again(self) -> None:
        """Bring the killed server back on its port."""
        raise NotImplementedError

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self):
        """Past every sidekick."""
        return s3(self.endpoint, *KEYS)

    def create_bucket(self) -> None:
        """Make the bucket; the first write grows what it is kept in."""
        self.client.create_bucket(Bucket=BUCKET)
        self.client.put_object(Bucket=BUCKET, Key="first", Body=b"x")
        self.remove("first")

    def delete_bucket(self) -> None:
        """Take the bucket away with all that is in it."""
        for name in self.objects():
            self.remove(name)
        self.client.delete_bucket(Bucket=BUCKET)

    def objects(self) -> dict[str, int]:
        """What is in the bucket: names and sizes."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}

    def read(self, name: str) -> bytes | None:
        """An object of the bucket, if it is there."""
        try:
            return self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def write(self, name: str, body: bytes) -> None:
        """Put something into the bucket."""
        self.client.put_object(Bucket=BUCKET, Key=name, Body=body)

    def remove(self, *names: str) -> None:
        """Take objects out of the bucket."""
        for name in names:
            self.client.delete_object(Bucket=BUCKET, Key=name)


class SeaweedStore(Store):
    """A SeaweedFS of its own; what dies or stands still is its S3 server."""

    def __init__(self, weed: str, work: Path):
        self.seaweed = Seaweed(weed, work, IDENTITIES, servers=1)

    def start(self, note: Callable[[Process], None]) -> None:
        self.seaweed.start(note)
        self.process, self.port = self.seaweed.gateways[0], self.seaweed.ports[0]
        self.create_bucket()

    def start_again(self) -> None:
        self.process.start()
        self.seaweed.wait_for_gateway(0)


# A file system of its own, which only this process and its children see.
IN_LITTLE_ROOM = 'mount -t tmpfs -o size=64m tmpfs "$1"; shift; exec "$@"'


class LittleSeaweed(Seaweed):
    """A SeaweedFS with room for 64 MiB. Whoever starts it has to be root."""

    def store_argv(self) -> list[str]:
        argv = super().store_argv()
        data = str(self.work / "data")
        return ["unshare", "--mount", "sh", "-ec", IN_LITTLE_ROOM, "sh", data, *argv]


class LittleStore(SeaweedStore):
    """A store that is full soon."""

    def __init__(self, weed: str, work: Path):
        self.seaweed = LittleSeaweed(weed, work, IDENTITIES, servers=1)


class MotoStore(Store):
    """moto, in memory: once killed it has forgotten everything. It believes any signature."""

    # It copies a whole object for each request, and answers nobody else meanwhile: a look-up that has to
    # wait for that as long as a sidekick waits for a store is a miss by right.
    large = 8 * MIB

    def __init__(self, _weed: str, work: Path):
        self.port = free_port()
        argv = [installed_beside_python("moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = Process("moto", argv, work / "moto.log")

    def start(self, note: Callable[[Process], None]) -> None:
        note(self.process)
        self.start_again()

    def start_again(self) -> None:
        self.process.start()
        wait_for_http(self.process, self.port, "/moto-api/")
        self.create_bucket()
