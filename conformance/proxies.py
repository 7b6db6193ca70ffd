"""The caches that are compared, each started with a store of its own that is empty."""

from dataclasses import dataclass
from pathlib import Path

from clients.boto import s3
from harness.process import Process, free_port, wait_for_http
from harness.seaweed import ACCESS_KEY, SECRET_KEY, Seaweed
from harness.sidekick import Sidekick

HERE = Path(__file__).resolve().parent
BUCKET = "conformance"
# Any file of the suite's: its server answers 200.
HEALTH_PATH = "/package.json"

# Without rules of ours for answers that name no lifetime, which the suite takes for a fault. Stale
# answers are not used while they are fetched anew, but kept an hour for that.
VARNISH_PARAMETERS = {"default_ttl": "0", "default_grace": "0", "default_keep": "3600"}


@dataclass(frozen=True)
class Cache:
    """A cache that answers on a port."""

    process: Process
    port: int


def nginx(work: Path, origin: int) -> Cache:
    """nginx with one worker and its cache in files."""
    folder = work / "nginx"
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    template = (HERE / "nginx.conf").read_text()
    config.write_text(template.format(folder=folder, port=port, origin=origin))
    argv = ["nginx", "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    return Cache(Process("nginx", argv, work / "nginx.log"), port)


def varnish(work: Path, origin: int) -> Cache:
    """Varnish with its cache in memory, all its files in one folder."""
    folder = work / "varnish"
    folder.mkdir()
    port = free_port()
    config = folder / "default.vcl"
    config.write_text((HERE / "varnish.vcl").read_text().format(origin=origin))
    # A user of its own could not read the folder of this run.
    argv = ["varnishd", "-F", "-j", "none", "-n", str(folder / "state"), "-T", "none"]
    argv += ["-a", f"127.0.0.1:{port}", "-f", str(config), "-s", "malloc,64M"]
    for name, value in VARNISH_PARAMETERS.items():
        argv += ["-p", f"{name}={value}"]
    return Cache(Process("varnish", argv, work / "varnish.log"), port)


def sidekick(binary: str, store: dict[str, str], work: Path, origin: int) -> Cache:
    """sidekick with its cache where `store` says."""
    process = Sidekick(
        binary,
        [f"http://127.0.0.1:{origin}"],
        work / "sidekick.log",
        health_path=HEALTH_PATH,
        env=store,
    )
    return Cache(process, process.port)


def in_memory() -> dict[str, str]:
    """The variables for a cache in sidekick's own memory."""
    return {"SIDEKICK_CACHE_ENDPOINT": "memory:64MiB", "SIDEKICK_CACHE_MIN_SIZE": "0"}


def in_bucket(seaweed: Seaweed) -> dict[str, str]:
    """The variables for a cache in a bucket, which is created."""
    s3(seaweed.endpoint(0)).create_bucket(Bucket=BUCKET)
    # The first write makes the store grow volumes, which is no time of sidekick's.
    s3(seaweed.endpoint(0)).put_object(Bucket=BUCKET, Key="first", Body=b"x")
    return {
        "SIDEKICK_CACHE_ENDPOINT": seaweed.endpoint(0),
        "SIDEKICK_CACHE_BUCKET": BUCKET,
        "SIDEKICK_CACHE_ACCESS_KEY": ACCESS_KEY,
        "SIDEKICK_CACHE_SECRET_KEY": SECRET_KEY,
        "SIDEKICK_CACHE_MIN_SIZE": "0",
    }


def start(cache: Cache) -> None:
    """Start it and wait until the origin answers through it."""
    cache.process.start()
    wait_for_http(cache.process, cache.port, HEALTH_PATH)
