"""s3cmd: an S3 client that shares no code with the AWS libraries."""

from harness.command import run, succeed
from harness.scenario import Client, Target, digest_of_file
from harness.seaweed import ACCESS_KEY, REGION, SECRET_KEY

CLIENT = Client("s3cmd")


def command(target: Target, *words: str, secret_key: str = SECRET_KEY) -> list[str]:
    """The argument list of one call, with settings of its own."""
    host = target.endpoint.removeprefix("http://")
    config = target.file(f"s3cfg-{len(secret_key)}")
    settings = {
        "access_key": ACCESS_KEY,
        "secret_key": secret_key,
        "bucket_location": REGION,
        "host_base": host,
        "host_bucket": host,
        "use_https": "False",
        "signature_v2": "False",
        "max_retries": "1",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    config.write_text("\n".join(["[default]", *lines, ""]))
    return ["s3cmd", "--config", str(config), "--no-progress", *words]


def s3cmd(target: Target, *words: str) -> str:
    """A call that must succeed; its standard output."""
    return succeed(target, command(target, *words)).decode()


def url(target: Target, name: str) -> str:
    """`s3://` form of an object of this client."""
    return f"s3://{target.bucket}/{target.key(name)}"


def listing(target: Target, name: str) -> list[list[str]]:
    """Size, MD5 and address of all objects below a name."""
    out = s3cmd(target, "ls", "--recursive", "--list-md5", url(target, name))
    return [line.split(maxsplit=2)[2].split() for line in out.splitlines()]


def about(target: Target, name: str) -> list[str]:
    """What `info` says, without the time."""
    lines = s3cmd(target, "info", url(target, name)).splitlines()
    return [line.strip() for line in lines if "Last mod" not in line and "attrs" not in line]


@CLIENT.scenario
def file_is_put_read_and_deleted(target):
    source = target.inputs / "1mib"
    copy = target.file("down")
    where = url(target, "one + file ☃")
    s3cmd(target, "put", "--add-header=x-amz-meta-colour:blue", str(source), where)
    s3cmd(target, "get", "--force", where, str(copy))
    assert digest_of_file(copy) == digest_of_file(source)
    seen = about(target, "one + file ☃")
    s3cmd(target, "del", where)
    return [seen, listing(target, "one")]


@CLIENT.scenario
def multipart_upload_of_100_mib_comes_back(target):
    source = target.inputs / "100mib"
    copy = target.file("down")
    where = url(target, "multipart")
    s3cmd(target, "put", "--multipart-chunk-size-mb=16", str(source), where)
    s3cmd(target, "get", "--force", where, str(copy))
    assert digest_of_file(copy) == digest_of_file(source)
    copy.unlink()
    return about(target, "multipart")


@CLIENT.scenario
def interrupted_download_goes_on(target):
    source = target.inputs / "1mib"
    copy = target.file("continued")
    s3cmd(target, "put", str(source), url(target, "whole"))
    copy.write_bytes(source.read_bytes()[:300_000])
    s3cmd(target, "get", "--continue", url(target, "whole"), str(copy))
    assert digest_of_file(copy) == digest_of_file(source)
    return digest_of_file(copy)


@CLIENT.scenario
def object_is_copied_moved_and_modified(target):
    small = target.file("small")
    small.write_text("small")
    s3cmd(target, "put", str(small), url(target, "from"))
    s3cmd(target, "cp", url(target, "from"), url(target, "copied/to"))
    s3cmd(target, "mv", url(target, "copied/to"), url(target, "copied/moved"))
    s3cmd(target, "modify", "--add-header=x-amz-meta-new:1", url(target, "copied/moved"))
    return [listing(target, "copied/"), about(target, "copied/moved")]


@CLIENT.scenario
def folder_is_synced_and_removed(target):
    for name in ("a b", "c+d", "sub/e=f@g"):
        target.file(f"folder/{name}").write_text(name)
    s3cmd(target, "sync", f"{target.work}/folder/", url(target, "folder/"))
    seen = listing(target, "folder/")
    s3cmd(target, "del", "--recursive", "--force", url(target, "folder/"))
    return [seen, listing(target, "folder/")]


@CLIENT.scenario
def signed_url_works_in_another_program(target):
    small = target.file("signed")
    small.write_text("signed")
    s3cmd(target, "put", str(small), url(target, "signed"))
    signed = s3cmd(target, "signurl", url(target, "signed"), "+300").strip()
    done = run(target, ["curl", "--silent", "--write-out", "%{http_code}", signed])
    return done["out"].decode()


@CLIENT.scenario
def wrong_secret_is_refused(target):
    done = run(target, command(target, "ls", f"s3://{target.bucket}", secret_key="wrong"))
    assert done["code"] != 0 and "403" in done["err"], done
    return [done["code"], done["err"].strip()]


@CLIENT.scenario
def missing_object_is_404(target):
    missing = run(target, command(target, "info", url(target, "missing")))
    assert missing["code"] != 0
    return [missing["code"], missing["err"].strip()]
