"""HTTP/2 from clients: by TLS, and by prior knowledge in clear text."""

import asyncio
import re
import ssl

import httpx

from clients.boto import s3
from harness.command import run, succeed
from harness.scenario import MIB, Target, body_of, digest_of_file
from harness.sidekick import Sidekick
from secure.nginx import KIB, Server
from secure.rig import Rig

STREAMS = 24
# What the client makes of the answer depends on when its pieces arrive.
REFUSALS = 10
LOADED = "requests: {n} total, {n} started, {n} done, {n} succeeded, 0 failed, 0 errored, 0 timeout"


def presigned(rig: Rig, target: Target, name: str, operation: str = "get_object") -> str:
    """A URL that needs no credentials; by name, because nghttp does not look for addresses in
    certificates.
    """
    where = {"Bucket": target.bucket, "Key": target.key(name)}
    client = s3(target.endpoint.replace("127.0.0.1", "localhost"), trust=rig.authority.root)
    return client.generate_presigned_url(operation, where, ExpiresIn=300)


def httpx_streams_share_one_connection(rig: Rig) -> str:
    """Uploads all at once, then downloads all at once, large ones among small ones."""
    target = rig.target("h2-httpx")
    bodies = {f"{n}": body_of((1_000, 70_001, 3 * MIB)[n % 3], n) for n in range(STREAMS)}
    accepted = rig.front.metric("sidekick_client_connections_accepted_total")

    async def exchange() -> None:
        trust = ssl.create_default_context(cafile=str(rig.authority.root))
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(
            verify=trust, http1=False, http2=True, limits=limits, timeout=60, trust_env=False
        ) as client:

            async def one(method: str, operation: str, name: str, body: bytes | None) -> bytes:
                url = presigned(rig, target, name, operation)
                answer = await client.request(method, url, content=body)
                assert answer.status_code == 200, f"{method} {name}: {answer.text}"
                assert answer.http_version == "HTTP/2", answer.http_version
                return answer.content

            sent = bodies.items()
            await asyncio.gather(*(one("PUT", "put_object", name, body) for name, body in sent))
            found = await asyncio.gather(*(one("GET", "get_object", n, None) for n in bodies))
            assert found == list(bodies.values()), "other bytes"

    asyncio.run(exchange())
    # The two questions for the metric come on connections of their own.
    more = rig.front.metric("sidekick_client_connections_accepted_total") - accepted - 1
    assert more == 1, f"{more} connections"
    return f"{STREAMS} uploads and as many downloads"


def nghttp_uploads_and_reads(rig: Rig) -> str:
    """With what few clients send: padding, CONTINUATION, 100-continue, a small window."""
    target = rig.target("h2-nghttp")
    body = body_of(MIB, 5)
    source = target.file("source")
    source.write_bytes(body)
    # By the system's variable; nghttp has no option, and only warns of what it does not trust.
    trust = {"SSL_CERT_FILE": str(rig.authority.root)}
    ways = [[], ["--expect-continue"], ["--padding=200"], ["--continuation"], ["--window-bits=14"]]
    for number, way in enumerate(ways):
        put = presigned(rig, target, f"{number}", "put_object")
        upload = ["nghttp", "--header", ":method: PUT", "--data", str(source), *way, put]
        told = run(target, upload, trust)
        assert (told["code"], told["out"], told["err"]) == (0, b"", ""), f"{way}: {told}"
        get = presigned(rig, target, f"{number}")
        told = run(target, ["nghttp", *way, get], trust)
        assert (told["code"], told["err"]) == (0, ""), f"{way}: {told['err']}"
        assert told["out"] == body, f"{way}: other bytes"
    return f"{len(ways)} ways"


def curl_moves_100_mib_both_ways(rig: Rig) -> str:
    """One large body on one stream."""
    target = rig.target("h2-curl")
    source, copy = target.inputs / "100mib", target.file("copy")
    curl = ["curl", "--silent", "--show-error", "--fail", "--http2", *trusting(rig)]
    upload = presigned(rig, target, "large", "put_object")
    succeed(target, [*curl, "--upload-file", str(source), upload])
    succeed(target, [*curl, "--output", str(copy), presigned(rig, target, "large")])
    assert digest_of_file(copy) == digest_of_file(source), "other bytes"
    copy.unlink()
    return "100 MiB"


def early_refusal_of_an_upload_is_told(rig: Rig) -> str:
    """The server answers before it reads; the client has the answer, and stops."""
    for flags, version in (
        (rig.listening, ["--http2", *trusting(rig)]),
        ((), ["--http2-prior-knowledge"]),
    ):
        sidekick = kib(rig, *flags)
        target = rig.target(f"h2-refused-{len(flags)}", sidekick)
        told = [refused_upload(target, *version) for _ in range(REFUSALS)]
        expected = ("refused", "2", "403")
        assert all(answer == expected for answer, _ in told), told
        sent = max(size for _, size in told)
        assert sent < 100 * MIB, "all was sent although nobody wanted it"
    return f"{2 * REFUSALS} uploads of 100 MiB, {sent} B sent at most"


def refused_upload(target: Target, *words: str) -> tuple[tuple[str, ...], int]:
    """An upload to the path that takes none: body, version and status, and the bytes sent."""
    source = str(target.inputs / "100mib")
    form = "|%{http_version}|%{http_code}|%{size_upload}"
    told = run(target, ["curl", "--silent", *words, "--upload-file", source, "--write-out", form,
                        f"{target.endpoint}/refused"])  # fmt: skip
    *answer, sent = told["out"].decode().split("|")
    return tuple(answer), int(sent)


def trusting(rig: Rig) -> list[str]:
    """For curl."""
    return ["--cacert", str(rig.authority.root)]


def h2load_has_no_failed_request_by_tls(rig: Rig) -> str:
    """10,000 requests over 100 streams of one connection."""
    return h2load(rig.target("h2load-tls", kib(rig, *rig.listening)), 10_000)


def h2load_has_no_failed_request_in_clear_text(rig: Rig) -> str:
    """The same by prior knowledge."""
    return h2load(rig.target("h2load-clear", kib(rig)), 10_000)


def h2load_has_no_failed_upload(rig: Rig) -> str:
    """64 KiB bodies over 100 streams of each of four connections."""
    target = rig.target("h2load-upload")
    source = target.file("source")
    source.write_bytes(body_of(65_536))
    put = presigned(rig, target, "same", "put_object")
    return h2load(target, 800, "--clients", "4", "--header", ":method: PUT", "--data",
                  str(source), url=put)  # fmt: skip


def clear_text_is_read_by_prior_knowledge(rig: Rig) -> str:
    """curl and nghttp."""
    sidekick = kib(rig)
    target = rig.target("h2c", sidekick)
    url = f"{sidekick.endpoint}/kib"
    version = ["--write-out", " %{http_version}"]
    by_curl = succeed(target, ["curl", "--silent", "--http2-prior-knowledge", *version, url])
    assert by_curl.decode() == f"{KIB} 2", by_curl
    by_nghttp = succeed(target, ["nghttp", url])
    assert by_nghttp.decode() == KIB, by_nghttp
    return "curl, nghttp"


def kib(rig: Rig, *flags: str) -> Sidekick:
    """A sidekick before a server that gives a KiB at /kib."""
    server = Server(rig.server)
    rig.nginx(server)
    sidekick = rig.sidekick([server.endpoint], *rig.trusting, *flags)
    sidekick.start_and_wait()
    return sidekick


def h2load(target: Target, requests: int, *words: str, url: str = "") -> str:
    """Run h2load, which must count no failure and no other status than 200."""
    load = ["--requests", str(requests), "--max-concurrent-streams", "100"]
    argv = ["h2load", *load, *words, url or f"{target.endpoint}/kib"]
    out = succeed(target, argv).decode()
    assert LOADED.format(n=requests) in out, out
    assert f"status codes: {requests} 2xx, 0 3xx, 0 4xx, 0 5xx" in out, out
    assert "Application protocol: h2" in out, out
    return re.search(r"finished in .*", out)[0]


SCENARIOS = [
    httpx_streams_share_one_connection,
    nghttp_uploads_and_reads,
    curl_moves_100_mib_both_ways,
    early_refusal_of_an_upload_is_told,
    h2load_has_no_failed_request_by_tls,
    h2load_has_no_failed_request_in_clear_text,
    h2load_has_no_failed_upload,
    clear_text_is_read_by_prior_knowledge,
]
