"""boto3: the client that most programs use."""

import concurrent.futures
import functools
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.scenario import (
    MIB,
    STRANGE_KEYS,
    Client,
    Target,
    body_of,
    digest_of_file,
    fetch,
)
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("boto3")

PARTS = TransferConfig(
    multipart_threshold=16 * MIB, multipart_chunksize=16 * MIB, max_concurrency=4
)
METADATA = {"colour": "blue", "list": "a, b,c", "spaces": "two  spaces", "dashed-name": "x=y;z"}


@functools.cache
def s3(
    endpoint: str,
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    trust: Path | None = None,
):
    """A client that never retries: each error counts."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        verify=trust and str(trust),
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=REGION,
        config=Config(
            signature_version="s3v4",  # presigned URLs would be version 2 without it
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            max_pool_connections=16,
            connect_timeout=5,
            read_timeout=30,
        ),
    )


def seen(target: Target, answer: dict) -> dict:
    """An answer of boto3 with its status and fields in comparable form."""
    meta = answer.pop("ResponseMetadata")
    fields = target.headers(meta["HTTPHeaders"].items())
    body = answer.pop("Body", None)
    read = {"body": body.read()} if body is not None else {}
    return answer | read | {"status": meta["HTTPStatusCode"], "fields": fields}


def error_of(target: Target, call, **arguments) -> dict:
    """The error that a call must end with."""
    try:
        call(**arguments)
    except ClientError as error:
        answer = error.response
        answer["Error"].pop("RequestId", None)
        return seen(target, answer)
    raise AssertionError(f"{call} succeeded")


def put(target: Target, name: str, body: bytes, **arguments) -> dict:
    """PUT an object of this client."""
    client = s3(target.endpoint)
    answer = client.put_object(Bucket=target.bucket, Key=target.key(name), Body=body, **arguments)
    return seen(target, answer)


def get(target: Target, name: str, **arguments) -> dict:
    """GET an object of this client, its body read to the end."""
    client = s3(target.endpoint)
    return seen(target, client.get_object(Bucket=target.bucket, Key=target.key(name), **arguments))


def at(target: Target, name: str) -> dict:
    """The two arguments that name an object of this client."""
    return {"Bucket": target.bucket, "Key": target.key(name)}


def keys(answer: dict) -> dict:
    """A listing without times."""
    found = [[item["Key"], item["Size"], item["ETag"]] for item in answer.get("Contents", [])]
    folders = [item["Prefix"] for item in answer.get("CommonPrefixes", [])]
    return {"found": found, "folders": folders, "more": answer["IsTruncated"]}


@CLIENT.scenario
def bucket_is_created_listed_and_deleted(target):
    client = s3(target.endpoint)
    name = f"{target.bucket}-own"
    return [
        seen(target, client.create_bucket(Bucket=name)),
        seen(target, client.head_bucket(Bucket=name)),
        seen(target, client.get_bucket_location(Bucket=name)),
        seen(target, client.delete_bucket(Bucket=name)),
        error_of(target, client.head_bucket, Bucket=name),
    ]


@CLIENT.scenario
def object_is_put_read_and_deleted(target):
    client = s3(target.endpoint)
    body = body_of(70_001)
    fields = {
        "ContentType": "text/x-e2e; charset=utf-8",
        "CacheControl": "max-age=60, public",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentLanguage": "en",
    }
    written = put(target, "plain", body, Metadata=METADATA, **fields)
    read = get(target, "plain")
    assert read["body"] == body and read["Metadata"] == METADATA
    head = seen(target, client.head_object(**at(target, "plain")))
    deleted = seen(target, client.delete_object(**at(target, "plain")))
    return [
        written,
        read,
        head,
        deleted,
        error_of(target, client.head_object, **at(target, "plain")),
    ]


@CLIENT.scenario
def empty_object_is_put_and_read(target):
    written = put(target, "empty", b"")
    read = get(target, "empty")
    assert read["body"] == b""
    return [written, read]


@CLIENT.scenario
def put_waits_for_100_continue_and_sends_a_default_checksum(target):
    sent = []

    def note(request, **_):
        sent.append({name.lower(): value for name, value in request.headers.items()})

    client = s3(target.endpoint)
    client.meta.events.register("before-send.s3.PutObject", note)
    try:
        with (target.inputs / "1mib").open("rb") as source:
            answer = client.put_object(**at(target, "file"), Body=source)
    finally:
        client.meta.events.unregister("before-send.s3.PutObject", note)
    assert sent[0]["expect"] in ("100-continue", b"100-continue")
    assert "x-amz-checksum-crc32" in sent[0]
    return [seen(target, answer), get(target, "file", ChecksumMode="ENABLED")]


@CLIENT.scenario
def wrong_checksum_is_refused(target):
    return error_of(
        target,
        s3(target.endpoint).put_object,
        **at(target, "wrong-checksum"),
        Body=b"abc",
        ChecksumCRC32="AAAAAA==",
    )


@CLIENT.scenario
def multipart_upload_of_100_mib_comes_back(target):
    client = s3(target.endpoint)
    source = target.inputs / "100mib"
    copy = target.file("download")
    client.upload_file(str(source), **at(target, "multipart"), Config=PARTS)
    client.download_file(**at(target, "multipart"), Filename=str(copy), Config=PARTS)
    assert digest_of_file(copy) == digest_of_file(source)
    copy.unlink()
    return seen(target, client.head_object(**at(target, "multipart")))


@CLIENT.scenario
def part_of_a_multipart_object_is_copied(target):
    client = s3(target.endpoint)
    upload = client.create_multipart_upload(**at(target, "copied-parts"))["UploadId"]
    whole = at(target, "multipart")
    parts = []
    for number, span in enumerate(("bytes=0-8388607", "bytes=10000000-15242879"), start=1):
        answer = client.upload_part_copy(
            **at(target, "copied-parts"),
            UploadId=upload,
            PartNumber=number,
            CopySource=whole,
            CopySourceRange=span,
        )
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    done = client.complete_multipart_upload(
        **at(target, "copied-parts"), UploadId=upload, MultipartUpload={"Parts": parts}
    )
    return [parts, seen(target, done), get(target, "copied-parts")]


@CLIENT.scenario
def multipart_upload_is_listed_and_aborted(target):
    client = s3(target.endpoint)
    where = at(target, "aborted")
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=upload, PartNumber=3, Body=body_of(5 * MIB))
    listed = client.list_parts(**where, UploadId=upload)["Parts"]
    parts = [[part["PartNumber"], part["Size"], part["ETag"]] for part in listed]
    client.abort_multipart_upload(**where, UploadId=upload)
    return [parts, error_of(target, client.get_object, **where)]


@CLIENT.scenario
def ranges_are_honoured(target):
    body = body_of(1000)
    put(target, "ranges", body)
    spans = ["0-0", "5-99", "-10", "900-", "0-999", "0-999999", "999-999", "-5000"]
    answers = {span: get(target, "ranges", Range=f"bytes={span}") for span in spans}
    assert answers["5-99"]["body"] == body[5:100] and answers["-10"]["body"] == body[-10:]
    answers["several"] = get(target, "ranges", Range="bytes=0-9,20-29")
    client = s3(target.endpoint)
    past_end = error_of(target, client.get_object, **at(target, "ranges"), Range="bytes=1000-")
    assert past_end["status"] == 416
    return [answers, past_end]


@CLIENT.scenario
def listings_are_complete_in_both_versions(target):
    client = s3(target.endpoint)
    names = [f"list/{folder}/{number:02}" for folder in "abc" for number in range(9)]
    for name in [*names, "list/top"]:
        put(target, name, name.encode())
    prefix = {"Bucket": target.bucket, "Prefix": target.key("list/")}
    two = client.get_paginator("list_objects_v2")
    one = client.get_paginator("list_objects")
    pages = {
        "v2": [keys(page) for page in two.paginate(**prefix, PaginationConfig={"PageSize": 10})],
        "v1": [keys(page) for page in one.paginate(**prefix, PaginationConfig={"PageSize": 10})],
        "delimiter": [keys(page) for page in two.paginate(**prefix, Delimiter="/")],
        "after": keys(client.list_objects_v2(**prefix, StartAfter=target.key("list/b/04"))),
        "none": keys(client.list_objects_v2(Bucket=target.bucket, Prefix="no/such/prefix")),
    }
    assert sum(len(page["found"]) for page in pages["v2"]) == len(names) + 1
    return pages


@CLIENT.scenario
def object_is_copied_with_and_without_new_metadata(target):
    client = s3(target.endpoint)
    put(target, "source of copy+1", body_of(3000), Metadata=METADATA)
    source = at(target, "source of copy+1")
    client.copy_object(**at(target, "copy"), CopySource=source)
    client.copy_object(
        **at(target, "copy-new"),
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"colour": "red"},
    )
    missing = {"Bucket": target.bucket, "Key": target.key("no-such-source")}
    return [
        get(target, "copy"),
        get(target, "copy-new"),
        error_of(target, client.copy_object, **at(target, "copy-none"), CopySource=missing),
    ]


@CLIENT.scenario
def thousand_keys_are_deleted_at_once(target):
    client = s3(target.endpoint)
    names = [target.key(f"bulk/{number:04}") for number in range(1000)]

    def write(name):
        client.put_object(Bucket=target.bucket, Key=name, Body=b"x")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(write, names))
    listed = client.list_objects_v2(Bucket=target.bucket, Prefix=target.key("bulk/"))
    objects = {"Objects": [{"Key": name} for name in names]}
    deleted = client.delete_objects(Bucket=target.bucket, Delete=objects)
    left = client.list_objects_v2(Bucket=target.bucket, Prefix=target.key("bulk/"))
    assert listed["KeyCount"] == 1000 and left["KeyCount"] == 0
    return sorted(item["Key"] for item in deleted["Deleted"])


@CLIENT.scenario
def presigned_urls_work_as_they_are(target):
    client = s3(target.endpoint)
    where = at(target, "presigned ☃ + a=b")
    body = body_of(5000)
    upload = client.generate_presigned_url("put_object", Params=where)
    download = client.generate_presigned_url("get_object", Params=where)
    typed = client.generate_presigned_url(
        "get_object", Params={**where, "ResponseContentType": "text/x-other"}
    )
    answers = [
        fetch("PUT", upload, body),
        fetch("GET", download),
        fetch("GET", typed),
        fetch("GET", download, headers={"Range": "bytes=10-19"}),
    ]
    assert answers[1][2] == body
    assert [answer[0] for answer in answers] == [200, 200, 200, 206]
    forged = fetch("GET", download.replace("Signature=", "Signature=0"))
    assert forged[0] == 403
    whole = [[status, target.headers(fields), read] for status, fields, read in answers]
    return [*whole, forged[0]]


@CLIENT.scenario
def strange_keys_pass_untouched(target):
    client = s3(target.endpoint)
    seen_keys = {}
    for name in STRANGE_KEYS:
        try:
            # SeaweedFS breaks the connection over a folder with a body: folders stay empty.
            body = b"" if name.endswith("/") else name.encode()
            written = put(target, f"strange/{name}", body)
            seen_keys[name] = [written, get(target, f"strange/{name}")]
        except ClientError as error:
            seen_keys[name] = error.response["Error"]["Code"]
    listed = client.list_objects_v2(Bucket=target.bucket, Prefix=target.key("strange/"))
    return [seen_keys, keys(listed)]


@CLIENT.scenario
def conditions_answer_304_and_412(target):
    etag = put(target, "conditional", b"abc")["ETag"]
    client = s3(target.endpoint)
    where = at(target, "conditional")
    unchanged = error_of(target, client.get_object, **where, IfNoneMatch=etag)
    changed = error_of(target, client.get_object, **where, IfMatch='"nothing"')
    taken = error_of(target, client.put_object, **where, Body=b"new", IfNoneMatch="*")
    assert [unchanged["status"], changed["status"]] == [304, 412]
    return [
        unchanged,
        changed,
        taken,
        error_of(target, client.head_object, **where, IfNoneMatch=etag),
        get(target, "conditional", IfMatch=etag),
    ]


@CLIENT.scenario
def missing_things_are_404(target):
    client = s3(target.endpoint)
    missing = at(target, "missing")
    answers = [
        error_of(target, client.get_object, **missing),
        error_of(target, client.head_object, **missing),
        error_of(target, client.list_objects_v2, Bucket=f"{target.bucket}-not-there"),
    ]
    assert [answer["status"] for answer in answers] == [404, 404, 404]
    return answers


@CLIENT.scenario
def wrong_credentials_are_refused(target):
    answers = []
    for pair in ((ACCESS_KEY, "not-the-secret"), ("nobody", SECRET_KEY)):
        client = s3(target.endpoint, *pair)
        answers.append(error_of(target, client.get_object, **at(target, "plain")))
        answers.append(error_of(target, client.put_object, **at(target, "plain"), Body=b"a" * MIB))
    codes = [answer["Error"]["Code"] for answer in answers]
    expected = ["SignatureDoesNotMatch"] * 2 + ["InvalidAccessKeyId"] * 2
    assert codes == expected, codes
    return answers


@CLIENT.scenario
def tags_are_kept(target):
    client = s3(target.endpoint)
    put(target, "tagged", b"x", Tagging="a=1&b=two%20words")
    before = client.get_object_tagging(**at(target, "tagged"))["TagSet"]
    client.delete_object_tagging(**at(target, "tagged"))
    after = client.get_object_tagging(**at(target, "tagged"))["TagSet"]
    return [before, after]


@CLIENT.scenario
def many_readers_at_once_read_the_same(target):
    put(target, "shared", body_of(300_000))

    def read(_):
        return get(target, "shared")["body"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        bodies = list(pool.map(read, range(100)))
    assert all(body == body_of(300_000) for body in bodies)
    return len(bodies)
