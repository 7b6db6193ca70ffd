"""Signed uploads written by hand: the two streaming forms that SDKs use and HTTP/1.1 framing."""

import base64
import binascii
import hashlib
import hmac
import http.client

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.scenario import Client, Target, body_of, fetch
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("raw")

CHUNK = 64 * 1024
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


class StreamingAuth(S3SigV4Auth):
    """Signs a payload word, such as `SIGNED_CHUNKS`, instead of a hash of the body."""

    def __init__(self, word: str):
        super().__init__(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)
        self.word = word

    def payload(self, request):
        return self.word


def url_of(target: Target, name: str) -> str:
    """The URL of an object whose key needs no escaping."""
    return f"{target.endpoint}/{target.bucket}/{target.key(name)}"


def signed_headers(url: str, payload: str, headers: dict[str, str]) -> dict[str, str]:
    """Fields of a PUT signed with this payload word."""
    request = AWSRequest("PUT", url, headers=headers)
    StreamingAuth(payload).add_auth(request)
    return dict(request.headers)


def chunks_of(body: bytes) -> list[bytes]:
    """The body in chunks, the last one empty, as aws-chunked ends."""
    return [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)] + [b""]


def with_trailer(body: bytes) -> bytes:
    """aws-chunked with a CRC32 trailer, nothing signed in it."""
    checksum = base64.b64encode(binascii.crc32(body).to_bytes(4, "big"))
    framed = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks_of(body)[:-1]]
    return b"".join(framed) + b"0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % checksum


def keyed(key: bytes, text: str) -> bytes:
    """One step of a signature."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def with_signed_chunks(body: bytes, headers: dict[str, str]) -> bytes:
    """aws-chunked in which each chunk is signed over the one before, from the head's signature."""
    moment = headers["X-Amz-Date"]
    scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
    key = f"AWS4{SECRET_KEY}".encode()
    for word in scope.split("/"):
        key = keyed(key, word)
    previous = headers["Authorization"].rpartition("Signature=")[2]
    nothing = hashlib.sha256(b"").hexdigest()
    framed = []
    for chunk in chunks_of(body):
        hashed = hashlib.sha256(chunk).hexdigest()
        lines = ["AWS4-HMAC-SHA256-PAYLOAD", moment, scope, previous, nothing, hashed]
        previous = keyed(key, "\n".join(lines)).hex()
        framed.append(b"%x;chunk-signature=%s\r\n" % (len(chunk), previous.encode()))
        framed.append(chunk + b"\r\n")
    return b"".join(framed)


def upload(target: Target, name: str, payload: str, chunked: bool) -> list:
    """PUT in a streaming form, framed by length or chunked; then read it back."""
    body = body_of(200_000)
    url = url_of(target, name)
    extra = {"X-Amz-Decoded-Content-Length": str(len(body)), "Content-Encoding": "aws-chunked"}
    if payload == UNSIGNED_TRAILER:
        extra["X-Amz-Trailer"] = "x-amz-checksum-crc32"
    headers = signed_headers(url, payload, extra)
    if payload == UNSIGNED_TRAILER:
        framed = with_trailer(body)
    else:
        framed = with_signed_chunks(body, headers)
    path = url.removeprefix(target.endpoint)
    connection = http.client.HTTPConnection(target.endpoint.removeprefix("http://"), timeout=60)
    pieces = (framed[start : start + 10_000] for start in range(0, len(framed), 10_000))
    connection.request("PUT", path, pieces if chunked else framed, headers, encode_chunked=chunked)
    response = connection.getresponse()
    answer = [response.status, target.headers(response.getheaders()), response.read().decode()]
    connection.close()
    assert answer[0] == 200, answer
    read = fetch("GET", url, headers=signed_get(url))
    assert read[2] == body
    return [answer, target.headers(read[1])]


def signed_get(url: str) -> dict[str, str]:
    """Fields of a signed GET."""
    request = AWSRequest("GET", url)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION).add_auth(request)
    return dict(request.headers)


@CLIENT.scenario
def unsigned_chunks_with_a_checksum_trailer(target):
    return upload(target, "trailer", UNSIGNED_TRAILER, chunked=False)


@CLIENT.scenario
def unsigned_chunks_with_a_checksum_trailer_in_transfer_chunks(target):
    return upload(target, "trailer-chunked", UNSIGNED_TRAILER, chunked=True)


@CLIENT.scenario
def signed_chunks(target):
    return upload(target, "signed-chunks", SIGNED_CHUNKS, chunked=False)


@CLIENT.scenario
def signed_chunks_in_transfer_chunks(target):
    return upload(target, "signed-chunks-chunked", SIGNED_CHUNKS, chunked=True)
