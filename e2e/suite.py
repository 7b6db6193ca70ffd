"""All clients against two real S3 servers, directly and through sidekick: the same answers."""

import argparse
import concurrent.futures
import difflib
import json
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import cache
import dns
import failover
import tls
from cached.rig import Rig as CacheRig
from clients import ALL
from clients.boto import s3
from harness.process import Process
from harness.scenario import MIB, Client, Result, Target, body_of
from harness.seaweed import Seaweed
from harness.sidekick import Sidekick
from secure.rig import Rig

# Names of one length: bodies that hold them are then equally long.
BUCKETS = {"direct": "e2e-bucket-direct0", "sidekick": "e2e-bucket-sidekck"}


def main() -> int:
    """Run the suite; the exit code says whether everything was equal."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = Path(tempfile.mkdtemp(prefix="sidekick-e2e-"))
    processes: list[Process] = []
    try:
        failed = run(arguments, work, processes)
    except BaseException:
        print_logs(processes)
        raise
    finally:
        for process in processes:
            process.kill()
    if not failed:
        shutil.rmtree(work)
    return 1 if failed else 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sidekick", required=True, help="the program under test")
    parser.add_argument("--weed", required=True, help="the SeaweedFS program")
    names = [client.name for client in ALL] + ["failover", "tls", "dns", "cache"]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="run a part")
    parser.add_argument(
        "--rotation-seconds", type=int, default=15, help="time of each rotation of certificates"
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, work: Path, processes: list[Process]) -> int:
    """Start everything, run the parts, print the summary; the number of failures."""
    started = time.monotonic()
    table = []
    if "dns" in arguments.only:
        rig = dns.Rig(arguments.sidekick, work)
        table.append(run_scenarios("dns", dns.SCENARIOS, rig, after=rig.end))
    if set(arguments.only) != {"dns"}:
        table += run_against_s3(arguments, work, processes)
    failed = sum(row[2] for row in table)
    if failed:
        print_logs(processes)
        progress(f"logs are kept in {work}")
    print_summary(table, time.monotonic() - started)
    return failed


def run_against_s3(arguments: argparse.Namespace, work: Path, processes: list[Process]) -> list:
    """The parts that need S3 servers: a row each."""
    seaweed = Seaweed(arguments.weed, work)
    progress("starting two S3 servers over one store")
    seaweed.start(processes.append)
    sites = [f"{seaweed.endpoint(0)},{seaweed.endpoint(1)}"]
    sidekick = Sidekick(arguments.sidekick, sites, work / "sidekick.log")
    processes.append(sidekick)
    sidekick.start_and_wait()
    create_buckets(seaweed)
    inputs = make_inputs(work)
    chosen = [client for client in ALL if client.name in arguments.only]
    table = [run_client(client, seaweed, sidekick, work, inputs) for client in chosen]
    sidekick_ended_well(sidekick, table)
    if "failover" in arguments.only:
        rig = failover.Rig(arguments.sidekick, seaweed, BUCKETS["sidekick"], work)
        table.append(run_scenarios("failover", failover.SCENARIOS, rig))
    if "tls" in arguments.only:
        table += run_tls(arguments, work, seaweed, processes)
    if "cache" in arguments.only:
        table += [run_cache(arguments, work, seaweed, processes, part) for part in cache.PARTS]
    return table


def run_tls(
    arguments: argparse.Namespace, work: Path, seaweed: Seaweed, processes: list[Process]
) -> list:
    """The parts of TLS, a row each."""
    own = work / "tls"
    own.mkdir()
    seconds = arguments.rotation_seconds
    rig = Rig(arguments.sidekick, seaweed, BUCKETS["sidekick"], own, work / "inputs", seconds)
    try:
        return [
            run_scenarios(part, some, rig, rig.end_scenario) for part, some in tls.PARTS.items()
        ]
    finally:
        processes += rig.lasting
        rig.end()


def run_cache(
    arguments: argparse.Namespace, work: Path, seaweed: Seaweed, processes: list[Process], part: str
) -> tuple[str, int, int, float]:
    """What is shown with one store for the cache."""
    store, scenarios = cache.PARTS[part]
    own = work / part.replace(" ", "-")
    own.mkdir()
    rig = CacheRig(
        arguments.sidekick, seaweed, BUCKETS["sidekick"], own, store(arguments.weed, own)
    )
    try:
        rig.start()
        return run_scenarios(part, scenarios, rig, rig.end_scenario)
    finally:
        processes += rig.lasting
        rig.end()


def create_buckets(seaweed: Seaweed) -> None:
    """Create both buckets and let each S3 server see them; the first write grows volumes."""

    def create(bucket: str) -> None:
        s3(seaweed.endpoint(0)).create_bucket(Bucket=bucket)
        s3(seaweed.endpoint(0)).put_object(Bucket=bucket, Key="first", Body=b"x")
        s3(seaweed.endpoint(1)).get_object(Bucket=bucket, Key="first")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(create, BUCKETS.values()))


def make_inputs(work: Path) -> Path:
    """The files that all clients upload."""
    inputs = work / "inputs"
    inputs.mkdir()
    (inputs / "1mib").write_bytes(body_of(MIB))
    (inputs / "100mib").write_bytes(body_of(100 * MIB))
    return inputs


def run_client(
    client: Client, seaweed: Seaweed, sidekick: Sidekick, work: Path, inputs: Path
) -> tuple[str, int, int, float]:
    """Run a client on both sides at once and compare: name, passed, failed, seconds."""
    progress(f"{client.name}: {len(client.scenarios)} scenarios, directly and through sidekick")
    started = time.monotonic()
    endpoints = {"direct": seaweed.endpoint(0), "sidekick": sidekick.endpoint}

    def side(name: str) -> dict[str, Result]:
        own = work / name / client.name
        own.mkdir(parents=True)
        proxied = name == "sidekick"
        target = Target(endpoints[name], BUCKETS[name], client.name, own, inputs, proxied)
        return client.run(target)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        direct, through = pool.map(side, ("direct", "sidekick"))
    passed = sum(compare(client.name, name, direct[name], through[name]) for name in direct)
    return client.name, passed, len(direct) - passed, time.monotonic() - started


def compare(client: str, scenario: str, direct: Result, through: Result) -> bool:
    """Whether both sides succeeded with equal results; prints why not."""
    errors = {"directly": direct.error, "through sidekick": through.error}
    for side, error in errors.items():
        if error is not None:
            print(f"FAILED {client} {scenario} {side}:\n{error}", flush=True)
    if any(errors.values()):
        return False
    if direct.value == through.value:
        return True
    lines = [json.dumps(side.value, indent=1, ensure_ascii=False) for side in (direct, through)]
    diff = difflib.unified_diff(
        lines[0].splitlines(), lines[1].splitlines(), "directly", "through sidekick", lineterm=""
    )
    print(f"FAILED {client} {scenario}: answers differ", *list(diff)[:80], sep="\n", flush=True)
    return False


def sidekick_ended_well(sidekick: Sidekick, table: list) -> None:
    """The one sidekick of all clients still runs and stops with exit code 0 when idle."""
    assert sidekick.running(), f"sidekick ended early:\n{sidekick.tail()}"
    sidekick.send(signal.SIGTERM)
    code = sidekick.wait(timeout=15)
    table.append(("idle stop", int(code == 0), int(code != 0), 0.0))


def run_scenarios(
    part: str, scenarios: list, rig, after: Callable[[], None] = lambda: None
) -> tuple[str, int, int, float]:
    """Run scenarios that go through sidekick only."""
    started = time.monotonic()
    passed = 0
    for scenario in scenarios:
        name = scenario.__name__.replace("_", " ")
        try:
            progress(f"{part}: {name}: {scenario(rig)}")
            passed += 1
        except Exception:
            print(f"FAILED {part}: {name}:\n{traceback.format_exc()}", flush=True)
        finally:
            after()
    return part, passed, len(scenarios) - passed, time.monotonic() - started


def print_summary(table: list[tuple[str, int, int, float]], seconds: float) -> None:
    """A row a client, and the plain last line."""
    print(f"\n{'client':<12}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for name, passed, failed, took in table:
        print(f"{name:<12}{passed:>8}{failed:>8}{took:>9.1f}")
    print(f"{'':<12}{'':>16}{seconds:>9.1f}\n")
    passed, failed = sum(row[1] for row in table), sum(row[2] for row in table)
    print(f"{passed} passed, {failed} failed", flush=True)


def print_logs(processes: list[Process]) -> None:
    """The end of each log, for a machine whose files nobody sees."""
    for process in processes:
        print(f"--- last lines of {process.name}\n{process.tail(15)}", flush=True)


def progress(line: str) -> None:
    """Say what happens now."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
