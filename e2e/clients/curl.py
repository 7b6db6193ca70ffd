"""curl: answers to the byte, with their fields in order."""

from clients.boto import s3
from harness.command import succeed
from harness.scenario import Client, Target, body_of, digest
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("curl")

SIGNED = ["--aws-sigv4", f"aws:amz:{REGION}:s3", "--user", f"{ACCESS_KEY}:{SECRET_KEY}"]


def curl(target: Target, path: str, *words: str, signed: bool = True) -> list:
    """Status line, fields in order, body; the path goes out exactly as given."""
    head = target.file("head")
    body = target.file("body")
    body.write_bytes(b"")
    credentials = SIGNED if signed else []
    url = f"{target.endpoint}/{target.bucket}/{target.client}{path}"
    options = ["--silent", "--show-error", "--path-as-is", "--max-time", "60"]
    outputs = ["--dump-header", str(head), "--output", str(body)]
    succeed(target, ["curl", *options, *credentials, *outputs, *words, url])
    # With --head, curl writes the head where the body would go.
    read = b"" if "--head" in words else body.read_bytes()
    return [*parsed(target, head.read_bytes()), read]


def presigned(target: Target, operation: str, path: str) -> str:
    """A URL that needs no credentials, valid for 300 s."""
    where = {"Bucket": target.bucket, "Key": f"{target.client}{path}"}
    return s3(target.endpoint).generate_presigned_url(operation, where, ExpiresIn=300)


def parsed(target: Target, head: bytes) -> list:
    """All status lines, and the fields of the last answer."""
    blocks = [block for block in head.decode("latin-1").split("\r\n\r\n") if block]
    status_lines = [block.split("\r\n")[0] for block in blocks]
    fields = [line.partition(": ")[::2] for line in blocks[-1].split("\r\n")[1:]]
    return [status_lines, target.headers(fields)]


def readable(answer: list) -> list:
    """The same answer with its body as text, request ids cut out."""
    status_lines, fields, body = answer
    text, _, rest = body.decode().partition("<RequestId>")
    cut = [pair for pair in fields if pair[0].lower() != "content-length"] if rest else fields
    return [status_lines, cut, text + rest.partition("</RequestId>")[2]]


def upload(target: Target, path: str, body: bytes, *words: str, signed: bool = True) -> list:
    """PUT a body from a file."""
    source = target.file("source")
    source.write_bytes(body)
    return curl(target, path, "--upload-file", str(source), *words, signed=signed)


@CLIENT.scenario
def object_is_put_read_and_deleted(target):
    body = body_of(10_000)
    written = upload(target, "/plain", body, "--header", "x-amz-meta-colour: blue")
    read = curl(target, "/plain")
    assert read[2] == body
    return [written, read, curl(target, "/plain", "--head"), curl(target, "/plain", "-X", "DELETE")]


@CLIENT.scenario
def large_put_waits_for_100_continue(target):
    answer = upload(target, "/continue", body_of(2_000_000), "--header", "Expect: 100-continue")
    assert answer[0][0] == "HTTP/1.1 100 Continue", answer[0]
    return [answer, curl(target, "/continue")]


@CLIENT.scenario
def refused_put_is_answered_whatever_the_body(target):
    answer = upload(target, "/refused", body_of(2_000_000), signed=False)
    assert answer[0][-1].startswith("HTTP/1.1 403"), answer[0]
    return readable(answer)[1:]


@CLIENT.scenario
def chunked_upload_to_a_presigned_url_is_stored(target):
    # Not with --aws-sigv4: curl signs Transfer-Encoding, which belongs to one connection only.
    body = body_of(300_000)
    url = presigned(target, "put_object", "/chunked")
    succeed(target, ["curl", "--silent", "--fail", "--upload-file", "-", url], stdin=body)
    read = curl(target, "/chunked")
    assert read[2] == body
    return read


@CLIENT.scenario
def presigned_url_serves_a_range_and_no_forgery(target):
    upload(target, "/presigned%20%2B%20a%3Db", b"0123456789")
    url = presigned(target, "get_object", "/presigned + a=b")
    part = succeed(target, ["curl", "--silent", "--fail", "--range", "0-4", url])
    assert part == b"01234"
    forged = succeed(target, ["curl", "--silent", "--output", "-", url.replace("=300", "=301")])
    assert b"SignatureDoesNotMatch" in forged
    return part


@CLIENT.scenario
def ranges_are_honoured(target):
    upload(target, "/digits", b"0123456789")
    spans = ["0-0", "3-5", "-4", "7-", "0-1,4-5"]
    past = curl(target, "/digits", "--range", "10-")
    assert past[0] == ["HTTP/1.1 416 Requested Range Not Satisfiable"], past[0]
    answers = [curl(target, "/digits", "--range", span) for span in spans[:-1]]
    return [answers, readable(past)]


@CLIENT.scenario
def paths_pass_untouched(target):
    paths = ["/a//b", "/x%2Fy", "/plus+plus", "/p%2Bp", "/at@sign", "/a=b", "/%e2%98%83", "/s%20p"]
    seen = {}
    for path in paths:
        written = upload(target, path, path.encode())
        seen[path] = [readable(written), readable(curl(target, path))]
    return seen


@CLIENT.scenario
def dots_in_a_path_are_not_resolved(target):
    paths = ["/dots/../up", "/dots/./same", "/dots/%2e%2e/up", "/dots/..", "/..."]
    return {path: readable(curl(target, path)) for path in paths}


@CLIENT.scenario
def conditions_answer_304_and_412(target):
    upload(target, "/conditional", b"abc")
    etag = "900150983cd24fb0d6963f7d28e17f72"
    unchanged = curl(target, "/conditional", "--header", f'If-None-Match: "{etag}"')
    other = curl(target, "/conditional", "--header", 'If-Match: "other"')
    since = curl(
        target, "/conditional", "--header", "If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT"
    )
    assert unchanged[0] == ["HTTP/1.1 304 Not Modified"], unchanged[0]
    return [unchanged, readable(other), since]


@CLIENT.scenario
def missing_object_is_404(target):
    return [readable(curl(target, "/missing")), curl(target, "/missing", "--head")]


@CLIENT.scenario
def unsigned_requests_are_refused(target):
    return readable(curl(target, "/plain", signed=False))


@CLIENT.scenario
def one_connection_serves_many_requests(target):
    upload(target, "/kept", b"kept")
    url = f"{target.endpoint}/{target.bucket}/{target.client}/kept"
    words = ["--silent", *SIGNED, "--write-out", "%{num_connects} ", *[url] * 20]
    out = succeed(target, ["curl", *words])
    assert out.count(b"kept") == 20
    return out.decode()


@CLIENT.scenario
def http_1_0_is_answered_and_closed(target):
    upload(target, "/old", b"old")
    status_lines, fields, body = curl(target, "/old", "--http1.0")
    # The version of the answer is the server's own highest, 1.0 or 1.1.
    return [status_lines[0].split(maxsplit=1)[1], fields, body]


@CLIENT.scenario
def options_and_post_are_passed(target):
    preflight = ["--header", "Origin: http://a.example", "--header",
                 "Access-Control-Request-Method: GET", "-X", "OPTIONS"]  # fmt: skip
    return [
        readable(curl(target, "/plain", *preflight, signed=False)),
        readable(curl(target, "/plain", "--data", "a=b"))[:2],
    ]


@CLIENT.scenario
def body_is_the_same_in_one_piece_and_in_many(target):
    body = body_of(5_000_000)
    upload(target, "/drip", body)
    slow = curl(target, "/drip", "--limit-rate", "4M")
    assert slow[2] == body
    return digest(slow[2])
