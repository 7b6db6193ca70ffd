"""S3 clients over TLS: what they store comes back, by every version of TLS and HTTP."""

import itertools

from clients.aws import environment
from clients.boto import PARTS, s3
from clients.curl import curl, upload
from harness.command import installed_beside_python, run, succeed
from harness.scenario import MIB, Target, body_of, digest_of_file
from harness.seaweed import SECRET_KEY
from secure.rig import Rig

TLS_VERSIONS = {"1.2": ["--tlsv1.2", "--tls-max", "1.2"], "1.3": ["--tlsv1.3"]}
# The option, and how the answer's status line begins.
HTTP_VERSIONS = {"--http1.1": "HTTP/1.1 200", "--http2": "HTTP/2 200"}


def curl_stores_and_reads_by_each_version(rig: Rig) -> str:
    """TLS 1.2 and 1.3, each with HTTP/1.1 and HTTP/2."""
    target = rig.target("tls-curl")
    body = body_of(300_000)
    pairs = list(itertools.product(TLS_VERSIONS, HTTP_VERSIONS))
    for tls, http in pairs:
        words = ["--cacert", str(rig.authority.root), *TLS_VERSIONS[tls], http]
        path = f"/tls{tls}{http}"
        # Nothing but the last answer counts: there may be a 100 before it.
        written = upload(target, path, body, *words)[0][-1]
        (read, *_), _, found = curl(target, path, *words)
        lines = [line[: len(HTTP_VERSIONS[http])] for line in (written, read)]
        assert lines == [HTTP_VERSIONS[http]] * 2, f"TLS {tls}, {http}: {written}, {read}"
        assert found == body, f"TLS {tls}, {http}: other bytes"
    return f"{len(pairs)} pairs of versions"


def curl_without_the_authority_trusts_nobody(rig: Rig) -> str:
    """What the other scenarios prove about trust, they prove because this fails."""
    target = rig.target("tls-stranger")
    done = run(target, ["curl", "--silent", "--show-error", target.endpoint])
    assert done["code"] == 60, f"exit code {done['code']}, not that of a refused certificate"
    return done["err"].splitlines()[0]


def boto3_puts_reads_lists_and_deletes(rig: Rig) -> str:
    """Small objects, and one that goes up and down in parts."""
    target = rig.target("tls-boto3")
    client = s3(target.endpoint, trust=rig.authority.root)
    bodies = {target.key(f"{size}"): body_of(size) for size in (0, 1, 70_001, MIB)}
    for key, body in bodies.items():
        client.put_object(Bucket=target.bucket, Key=key, Body=body)
    source, copy, parts = target.inputs / "100mib", target.file("copy"), target.key("parts")
    client.upload_file(str(source), target.bucket, parts, Config=PARTS)
    listed = client.list_objects_v2(Bucket=target.bucket, Prefix=target.key(""))["Contents"]
    sizes = {item["Key"]: item["Size"] for item in listed}
    expected = {key: len(body) for key, body in bodies.items()} | {parts: 100 * MIB}
    assert sizes == expected, f"{sizes} are listed"
    for key, body in bodies.items():
        read = client.get_object(Bucket=target.bucket, Key=key)["Body"].read()
        assert read == body, f"{key}: other bytes"
    client.download_file(target.bucket, parts, str(copy), Config=PARTS)
    assert digest_of_file(copy) == digest_of_file(source), "100 MiB in parts: other bytes"
    copy.unlink()
    for key in expected:
        client.delete_object(Bucket=target.bucket, Key=key)
    left = client.list_objects_v2(Bucket=target.bucket, Prefix=target.key(""))
    assert left["KeyCount"] == 0, "not all were deleted"
    return f"{len(expected)} objects, the largest of 100 MiB"


def awscli_copies_up_and_down(rig: Rig) -> str:
    """100 MiB in parts, and a listing."""
    target = rig.target("tls-awscli")
    source, copy = target.inputs / "100mib", target.file("copy")
    url = f"s3://{target.bucket}/{target.key('parts')}"
    aws(rig, target, "s3", "cp", "--no-progress", str(source), url)
    listed = aws(rig, target, "s3", "ls", url).decode().split()[2:]
    assert listed == [str(100 * MIB), "parts"], f"{listed} is listed"
    aws(rig, target, "s3", "cp", "--no-progress", url, str(copy))
    assert digest_of_file(copy) == digest_of_file(source), "other bytes"
    copy.unlink()
    return "100 MiB"


def aws(rig: Rig, target: Target, *words: str) -> bytes:
    """A call that trusts our authority and must succeed; its standard output."""
    trust = ["--ca-bundle", str(rig.authority.root)]
    argv = [installed_beside_python("aws"), "--endpoint-url", target.endpoint, *trust, *words]
    return succeed(target, argv, environment(target, SECRET_KEY))


SCENARIOS = [
    curl_stores_and_reads_by_each_version,
    curl_without_the_authority_trusts_nobody,
    boto3_puts_reads_lists_and_deletes,
    awscli_copies_up_and_down,
]
