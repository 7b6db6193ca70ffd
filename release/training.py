"""The load by which a shipped program is laid out: what its users do with it, small and large, in
clear text and by TLS, signed as S3 clients sign, with the cache and without."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import backends
import measure
import proxies
import store
from harness.process import Process
from harness.sidekick import Sidekick
from session import Session, session

HERE = Path(__file__).parent
# A thousand clients ask for what 64 ask for.
CASES = [case for case in measure.CASES if case.connections < 1000]
# Small requests in clear text are what is asked of it most, and where its own code counts most.
SMALL = ["get-1k-1", "get-1k-64"]
MAIN_JOB = 5
# What signed requests ask for, and what is said of each.
SIGNED = [
    ("/s3/1k", "--quiet"),
    ("/s3/64k", "--quiet"),
    ("/chunked/64k", "--quiet"),
    ("/s3/1k", "--json"),
]
STOPPED_SECONDS = 30


def train(binary: str, raw: Path, seconds: int) -> None:
    """Put a program that counts what runs under every kind of load; what it counted is in `raw`
    then."""
    # Each process that ends leaves a file of its own.
    os.environ["LLVM_PROFILE_FILE"] = str(raw / "%p.profraw")
    proxy = proxies.sidekick.proxy(binary)
    with session(backends.SERVERS) as servers:
        for case in CASES:
            print(f"training {case.name}", flush=True)
            with servers.running(proxy, case, backends.SERVERS) as (process, port):
                long = seconds * (MAIN_JOB if case.name in SMALL else 1)
                errors = measure.load(case, port, long)["errors"]
                assert not any(errors.values()), f"{case.name}: {errors}"
                stop(process)
        for path, output in SIGNED:
            print(f"training signed requests, {path}, {output}", flush=True)
            with signing(binary, servers, output) as sidekick:
                ask_signed(sidekick.port, path, seconds)
        print("training the cache", flush=True)
        cache = store.cache_in(store.start(servers.work, servers.started))
        with signing(binary, servers, "--quiet", cache) as sidekick:
            for path in ["/s3/1k", "/s3/1m", "/s3/64m"]:
                ask_signed(sidekick.port, path, seconds)
            served = sidekick.metric("sidekick_cache_served_bytes_total")
            assert served > 0, "nothing came from the cache"


@contextmanager
def signing(
    binary: str, servers: Session, output: str, env: dict[str, str] | None = None
) -> Iterator[Sidekick]:
    """A program over the file servers for clients that sign, ended as an administrator ends it."""
    sidekick = Sidekick(
        binary,
        [servers.servers.static_site(backends.SERVERS)],
        servers.work / "signing.log",
        flags=("--threads", "1"),
        health_path="/",
        output=(output,),
        env=env,
    )
    servers.started.append(sidekick)
    sidekick.start_and_wait()
    yield sidekick
    stop(sidekick)


def ask_signed(port: int, path: str, seconds: int) -> None:
    """Ask for a path as S3 clients do, on some connections at once."""
    done = subprocess.run(
        [
            "wrk",
            "--threads=1",
            "--connections=16",
            f"--duration={seconds}s",
            f"--script={HERE}/signed.lua",
            f"http://127.0.0.1:{port}{path}",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    # It prints these lines only when there is something to tell.
    assert not any(bad in done.stdout for bad in ("Non-2xx", "Socket errors")), done.stdout


def stop(process: Process) -> None:
    """End a program in order: one that is killed writes nothing of what it counted."""
    process.send(signal.SIGTERM)
    code = process.wait(STOPPED_SECONDS)
    assert code == 0, f"ended with {code}:\n{process.tail()}"
