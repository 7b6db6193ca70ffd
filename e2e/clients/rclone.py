"""rclone: folders, checks, server-side moves."""

import json
import os

from harness.command import run, succeed
from harness.scenario import Client, Target, body_of
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("rclone")

NAMES = ["plain", "a b", "c+d", "sub/☃", "sub/e=f@g", "sub/deep/x%2Fy", "empty"]


def environment(target: Target, secret_key: str) -> dict[str, str]:
    """A remote called `s3`, configured without a file."""
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": target.endpoint,
        "ACCESS_KEY_ID": ACCESS_KEY,
        "SECRET_ACCESS_KEY": secret_key,
        "REGION": REGION,
        "CHUNK_SIZE": "16M",
        "UPLOAD_CUTOFF": "32M",
    }
    return {f"RCLONE_CONFIG_S3_{name}": value for name, value in settings.items()} | {
        "RCLONE_CONFIG": str(target.work / "none"),
        "RCLONE_RETRIES": "1",
        "RCLONE_LOW_LEVEL_RETRIES": "1",
        "RCLONE_STATS": "0",
    }


def rclone(target: Target, *words: str, stdin: bytes | None = None) -> bytes:
    """A call that must succeed; its standard output."""
    return succeed(target, ["rclone", *words], environment(target, SECRET_KEY), stdin)


def remote(target: Target, name: str) -> str:
    """rclone's form of an object or folder of this client."""
    return f"s3:{target.bucket}/{target.key(name)}"


def listing(target: Target, name: str) -> list:
    """All files below a folder: path, size, modification time kept by rclone, MD5."""
    out = rclone(target, "lsjson", "--recursive", "--hash", "--files-only", remote(target, name))
    files = [
        [item["Path"], item["Size"], item["ModTime"], item.get("Hashes")]
        for item in json.loads(out)
    ]
    return sorted(files)


def make_folder(target: Target) -> str:
    """A folder of files with fixed contents and times."""
    for number, name in enumerate(NAMES):
        path = target.file(f"folder/{name}")
        path.write_bytes(b"" if name == "empty" else body_of(1000 * number, number))
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    return str(target.work / "folder")


@CLIENT.scenario
def folder_is_copied_checked_and_listed(target):
    folder = make_folder(target)
    rclone(target, "copy", folder, remote(target, "folder"))
    rclone(target, "check", "--download", folder, remote(target, "folder"))
    back = str(target.work / "back")
    rclone(target, "copy", remote(target, "folder"), back)
    rclone(target, "check", "--download", folder, back)
    return listing(target, "folder")


@CLIENT.scenario
def sync_deletes_what_is_gone(target):
    folder = make_folder(target)
    rclone(target, "sync", folder, remote(target, "synced"))
    (target.work / "folder/plain").unlink()
    rclone(target, "sync", folder, remote(target, "synced"))
    return listing(target, "synced")


@CLIENT.scenario
def objects_are_moved_on_the_server(target):
    rclone(target, "rcat", remote(target, "before/name + one"), stdin=b"to be moved")
    rclone(target, "moveto", remote(target, "before/name + one"), remote(target, "after/two"))
    left = rclone(target, "lsf", remote(target, "before"))
    return [left.decode(), rclone(target, "cat", remote(target, "after/two")).decode()]


@CLIENT.scenario
def multipart_upload_of_100_mib_comes_back(target):
    source = str(target.inputs / "100mib")
    rclone(target, "copyto", source, remote(target, "large/100mib"))
    rclone(
        target, "check", "--download", "--include", "/100mib",
        str(target.inputs), remote(target, "large"),
    )  # fmt: skip
    size = json.loads(rclone(target, "size", "--json", remote(target, "large")))
    return [size["count"], size["bytes"]]


@CLIENT.scenario
def part_of_an_object_is_read(target):
    rclone(target, "rcat", remote(target, "digits"), stdin=b"0123456789")
    where = remote(target, "digits")
    return [
        rclone(target, "cat", "--offset", "3", "--count", "4", where).decode(),
        rclone(target, "cat", "--tail", "2", where).decode(),
    ]


@CLIENT.scenario
def folder_is_purged(target):
    rclone(target, "copy", make_folder(target), remote(target, "purged"))
    rclone(target, "purge", remote(target, "purged"))
    return rclone(target, "lsf", remote(target, "purged")).decode()


@CLIENT.scenario
def wrong_secret_is_refused(target):
    done = run(target, ["rclone", "cat", remote(target, "digits")], environment(target, "wrong"))
    assert done["code"] != 0 and "403" in done["err"], done
    return done["code"]
