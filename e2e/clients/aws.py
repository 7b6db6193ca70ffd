"""The AWS command line."""

import json
import os

from harness.command import installed_beside_python, run, succeed
from harness.scenario import Client, Target, digest_of_file
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("awscli")

CONFIG = f"""[default]
region = {REGION}
max_attempts = 1
s3 =
  addressing_style = path
  multipart_threshold = 16MB
  multipart_chunksize = 16MB
"""
# What an answer holds that no two runs share.
VOLATILE = {"LastModified", "RequestId", "UploadId"}


def environment(target: Target, secret_key: str) -> dict[str, str]:
    """Settings of the command, away from the user's own files."""
    config = target.file("aws-config")
    config.write_text(CONFIG)
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(target.work / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def command(target: Target, *words: str) -> list[str]:
    """The argument list of one call."""
    return [installed_beside_python("aws"), "--endpoint-url", target.endpoint, *words]


def aws(target: Target, *words: str, stdin: bytes | None = None) -> bytes:
    """A call that must succeed; its standard output."""
    return succeed(target, command(target, *words), environment(target, SECRET_KEY), stdin)


def api(target: Target, operation: str, name: str, *words: str) -> object:
    """An `s3api` call on an object; its JSON without what is volatile."""
    where = ["--bucket", target.bucket, "--key", target.key(name)]
    out = aws(target, "s3api", operation, *where, *words)
    return without_volatile(json.loads(out or b"{}"))


def without_volatile(value: object) -> object:
    """The same JSON without the members that no two runs share."""
    if isinstance(value, dict):
        return {k: without_volatile(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [without_volatile(item) for item in value]
    return value


def refused(target: Target, *words: str, secret_key: str = SECRET_KEY) -> list:
    """Exit code and message of a call that must fail."""
    done = run(target, command(target, *words), environment(target, secret_key))
    assert done["code"] != 0, f"{words} succeeded"
    return [done["code"], done["err"].strip()]


def url(target: Target, name: str) -> str:
    """`s3://` form of an object of this client."""
    return f"s3://{target.bucket}/{target.key(name)}"


@CLIENT.scenario
def file_is_copied_up_and_down(target):
    source = target.inputs / "1mib"
    copy = target.file("down")
    aws(target, "s3", "cp", "--no-progress", "--metadata", "a=1,b=two", str(source),
        url(target, "one file"))  # fmt: skip
    aws(target, "s3", "cp", "--no-progress", url(target, "one file"), str(copy))
    assert digest_of_file(copy) == digest_of_file(source)
    return api(target, "head-object", "one file")


@CLIENT.scenario
def multipart_upload_of_100_mib_comes_back(target):
    source = target.inputs / "100mib"
    copy = target.file("down")
    aws(target, "s3", "cp", "--no-progress", str(source), url(target, "multipart"))
    aws(target, "s3", "cp", "--no-progress", url(target, "multipart"), str(copy))
    assert digest_of_file(copy) == digest_of_file(source)
    copy.unlink()
    return api(target, "head-object", "multipart")


@CLIENT.scenario
def stream_is_copied_up_and_down(target):
    aws(target, "s3", "cp", "-", url(target, "stream"), stdin=b"from a pipe")
    return aws(target, "s3", "cp", url(target, "stream"), "-").decode()


@CLIENT.scenario
def folder_is_synced_and_listed(target):
    for name in ("a b", "c+d", "sub/☃", "sub/e=f@g"):
        path = target.file(f"folder/{name}")
        path.write_text(name)
        # Older than its object whatever the second: S3's times have no fractions.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    folder = str(target.work / "folder")
    first = aws(target, "s3", "sync", "--no-progress", folder, url(target, "folder"))
    again = aws(target, "s3", "sync", "--no-progress", folder, url(target, "folder"))
    assert again == b"", f"synced again without a change: {again.decode()}"
    words = ["--bucket", target.bucket, "--prefix", target.key("folder/"), "--page-size", "3"]
    listed = without_volatile(json.loads(aws(target, "s3api", "list-objects-v2", *words)))
    aws(target, "s3", "rm", "--recursive", url(target, "folder"))
    after = aws(target, "s3api", "list-objects-v2", *words)
    return [sorted(first.decode().splitlines()), listed, after.decode()]


@CLIENT.scenario
def object_is_copied_and_moved(target):
    aws(target, "s3", "cp", "-", url(target, "from"), stdin=b"abc")
    aws(target, "s3", "cp", url(target, "from"), url(target, "to"))
    aws(target, "s3", "mv", url(target, "to"), url(target, "moved"))
    gone = refused(target, "s3", "cp", url(target, "to"), "-")
    return [aws(target, "s3", "cp", url(target, "moved"), "-").decode(), gone]


@CLIENT.scenario
def ranges_and_conditions_are_honoured(target):
    aws(target, "s3", "cp", "-", url(target, "digits"), stdin=b"0123456789")
    part = target.file("part")
    seen = api(target, "get-object", "digits", "--range", "bytes=-3", str(part))
    assert part.read_bytes() == b"789"
    where = ["--bucket", target.bucket, "--key", target.key("digits"), str(part)]
    past = refused(target, "s3api", "get-object", "--range", "bytes=10-", *where)
    other = refused(target, "s3api", "get-object", "--if-match", "nothing", *where)
    return [seen, past, other]


@CLIENT.scenario
def wrong_secret_is_refused(target):
    return refused(target, "s3", "ls", f"s3://{target.bucket}", secret_key="wrong")


@CLIENT.scenario
def missing_object_is_404(target):
    return refused(target, "s3", "cp", url(target, "missing"), "-")


@CLIENT.scenario
def presigned_url_works_in_another_program(target):
    aws(target, "s3", "cp", "-", url(target, "signed + name"), stdin=b"signed")
    signed = aws(target, "s3", "presign", url(target, "signed + name")).decode().strip()
    return succeed(target, ["curl", "--fail", "--silent", signed]).decode()
