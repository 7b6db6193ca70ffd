"""The MinIO client library for Python."""

import io
from datetime import timedelta

from minio import Minio
from minio.commonconfig import REPLACE, ComposeSource, CopySource
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from harness.scenario import MIB, STRANGE_KEYS, Client, Target, body_of, digest_of_file, fetch
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("minio")


def connect(target: Target, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> Minio:
    """A client of the target."""
    host = target.endpoint.removeprefix("http://")
    return Minio(host, access_key, secret_key, secure=False, region=REGION)


def put(target: Target, name: str, body: bytes, **arguments) -> str:
    """PUT bytes and give the ETag."""
    client = connect(target)
    result = client.put_object(
        target.bucket, target.key(name), io.BytesIO(body), len(body), **arguments
    )
    return result.etag


def get(target: Target, name: str, **arguments) -> list:
    """Status, fields and body of a GET."""
    response = connect(target).get_object(target.bucket, target.key(name), **arguments)
    try:
        return [response.status, target.headers(response.headers.items()), response.read()]
    finally:
        response.close()
        response.release_conn()


def stat(target: Target, name: str) -> list:
    """What HEAD says of an object."""
    found = connect(target).stat_object(target.bucket, target.key(name))
    fields = target.headers(found.metadata.items())
    return [found.size, found.etag, found.content_type, fields]


def error_of(call, *arguments) -> list:
    """Code and status of the error that a call must end with."""
    try:
        call(*arguments)
    except S3Error as error:
        return [error.code, error.message, error.response.status]
    raise AssertionError(f"{call} succeeded")


@CLIENT.scenario
def object_is_put_read_and_deleted(target):
    body = body_of(50_001)
    etag = put(target, "plain", body, content_type="text/x-e2e", metadata={"colour": "blue"})
    read = get(target, "plain")
    assert read[2] == body
    found = stat(target, "plain")
    client = connect(target)
    client.remove_object(target.bucket, target.key("plain"))
    gone = error_of(client.stat_object, target.bucket, target.key("plain"))
    return [etag, read, found, gone]


@CLIENT.scenario
def empty_object_is_put_and_read(target):
    return [put(target, "empty", b""), get(target, "empty")]


@CLIENT.scenario
def multipart_upload_of_100_mib_comes_back(target):
    client = connect(target)
    key = target.key("multipart")
    source = target.inputs / "100mib"
    written = client.fput_object(target.bucket, key, str(source), part_size=16 * MIB)
    copy = target.file("download")
    client.fget_object(target.bucket, key, str(copy))
    assert digest_of_file(copy) == digest_of_file(source)
    copy.unlink()
    return [written.etag, stat(target, "multipart")]


@CLIENT.scenario
def stream_of_unknown_length_is_uploaded(target):
    with (target.inputs / "1mib").open("rb") as source:
        written = connect(target).put_object(
            target.bucket, target.key("unknown"), source, -1, part_size=5 * MIB
        )
    return [written.etag, get(target, "unknown")]


@CLIENT.scenario
def ranges_are_honoured(target):
    body = body_of(1000)
    put(target, "ranges", body)
    middle = get(target, "ranges", offset=100, length=50)
    assert middle[2] == body[100:150]
    past = error_of(connect(target).get_object, target.bucket, target.key("ranges"), 5000)
    return [middle, get(target, "ranges", offset=990), past]


@CLIENT.scenario
def objects_are_copied_and_composed(target):
    client = connect(target)
    put(target, "source + a", body_of(6 * MIB), metadata={"colour": "blue"})
    source = target.key("source + a")
    client.copy_object(target.bucket, target.key("copy"), CopySource(target.bucket, source))
    client.copy_object(
        target.bucket,
        target.key("copy-new"),
        CopySource(target.bucket, source),
        metadata={"colour": "red"},
        metadata_directive=REPLACE,
    )
    pieces = [
        ComposeSource(target.bucket, source),
        ComposeSource(target.bucket, source, offset=1000, length=100_000),
    ]
    client.compose_object(target.bucket, target.key("composed"), pieces)
    return [get(target, name) for name in ("copy", "copy-new", "composed")]


@CLIENT.scenario
def strange_keys_pass_untouched(target):
    seen = {}
    for name in STRANGE_KEYS:
        try:
            body = b"" if name.endswith("/") else name.encode()
            seen[name] = [put(target, f"strange/{name}", body)]
            seen[name].append(get(target, f"strange/{name}"))
        except S3Error as error:
            seen[name] = error.code
    found = connect(target).list_objects(target.bucket, target.key("strange/"), recursive=True)
    return [seen, [[item.object_name, item.size, item.etag] for item in found]]


@CLIENT.scenario
def listings_are_complete_in_both_versions(target):
    client = connect(target)
    for number in range(12):
        put(target, f"list/{number % 3}/{number}", b"x")
    prefix = target.key("list/")
    listings = [
        client.list_objects(target.bucket, prefix, recursive=True),
        client.list_objects(target.bucket, prefix),
        client.list_objects(target.bucket, prefix, recursive=True, use_api_v1=True),
    ]
    return [[[item.object_name, item.size] for item in listing] for listing in listings]


@CLIENT.scenario
def many_objects_are_removed_at_once(target):
    client = connect(target)
    names = [f"bulk/{number}" for number in range(50)]
    for name in names:
        put(target, name, b"x")
    doomed = [DeleteObject(target.key(name)) for name in names]
    errors = [error.code for error in client.remove_objects(target.bucket, doomed)]
    left = list(client.list_objects(target.bucket, target.key("bulk/"), recursive=True))
    assert not errors and not left
    return len(names)


@CLIENT.scenario
def presigned_urls_work_as_they_are(target):
    client = connect(target)
    key = target.key("presigned + ☃")
    upload = client.presigned_put_object(target.bucket, key, timedelta(minutes=5))
    download = client.presigned_get_object(target.bucket, key, timedelta(minutes=5))
    answers = [fetch("PUT", upload, body_of(4000)), fetch("GET", download)]
    assert answers[1][2] == body_of(4000)
    return [[status, target.headers(fields), body] for status, fields, body in answers]


@CLIENT.scenario
def errors_carry_their_codes(target):
    key = target.key("missing")
    return [
        error_of(connect(target).get_object, target.bucket, key),
        error_of(connect(target, secret_key="wrong").get_object, target.bucket, key),
        error_of(connect(target, access_key="nobody").get_object, target.bucket, key),
    ]
