"""The public suite http-cache-tests against the caches of sidekick, nginx and Varnish."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "e2e"))

import http_cache_tests  # noqa: E402
import proxies  # noqa: E402
import verdict  # noqa: E402
from harness.process import Process  # noqa: E402
from harness.seaweed import Seaweed  # noqa: E402
from http_cache_tests import Origin, Test  # noqa: E402

NAMES = ("sidekick", "nginx", "varnish")
# In memory unless told otherwise: where a store in a bucket lags, sidekick goes on without it, and
# on a busy machine that decides which tests pass.
STORES = ("memory", "seaweedfs", "none")


@dataclass(frozen=True)
class Row:
    """The results of one cache, of each time it was asked."""

    name: str
    rounds: list[dict[str, Test]]
    seconds: float

    @property
    def tests(self) -> dict[str, Test]:
        """The first results."""
        return self.rounds[0]


def main() -> int:
    """Run the suite; the exit code says whether sidekick is good enough."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = Path(tempfile.mkdtemp(prefix="sidekick-conformance-"))
    processes: list[Process] = []
    try:
        faults = run(arguments, work, processes)
    except BaseException:
        print_logs(processes)
        raise
    finally:
        for process in reversed(processes):
            process.kill()
        shutil.rmtree(work)
    return 1 if faults else 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="conformance/run", description=__doc__)
    parser.add_argument("--sidekick", required=True, help="the program under test")
    parser.add_argument("--weed", required=True, help="the SeaweedFS program")
    parser.add_argument("--suite", required=True, type=Path, help="the folder of the suite")
    parser.add_argument("--only", choices=NAMES, help="one cache, compared with none")
    parser.add_argument(
        "--store", choices=STORES, default=STORES[0], help="where sidekick's cache is"
    )
    parser.add_argument("--verbose", metavar="ID", help="print what is said in one test")
    parser.add_argument(
        "--rounds", type=int, default=1, help="run all so often; a result that changes is a fault"
    )
    return parser.parse_args()


def run(arguments: argparse.Namespace, work: Path, processes: list[Process]) -> list[str]:
    """Start everything, ask one cache after the other, print all; what is wrong."""
    origin = Origin(arguments.suite.resolve(), work)
    processes.append(origin)
    origin.start_and_wait()
    rows = []
    for name in [arguments.only] if arguments.only else NAMES:
        cache = make(name, arguments, work, origin.port, processes)
        processes.append(cache.process)
        proxies.start(cache)
        if arguments.verbose:
            print(f"{name}\n{http_cache_tests.transcript(origin, cache.port, arguments.verbose)}")
        else:
            rows.append(measure(name, lambda: run_once(origin, cache), arguments.rounds))
        cache.process.kill()
    return report(rows) if rows else []


def make(
    name: str, arguments: argparse.Namespace, work: Path, origin: int, processes: list[Process]
) -> proxies.Cache:
    """A cache that is not started yet, before a store that is."""
    if name == "nginx":
        return proxies.nginx(work, origin)
    if name == "varnish":
        return proxies.varnish(work, origin)
    if arguments.store == "none":
        return proxies.sidekick(arguments.sidekick, {}, work, origin)
    if arguments.store == "memory":
        return proxies.sidekick(arguments.sidekick, proxies.in_memory(), work, origin)
    progress("starting the store")
    seaweed = Seaweed(arguments.weed, work)
    seaweed.start(processes.append)
    store = proxies.in_bucket(seaweed)
    return proxies.sidekick(arguments.sidekick, store, work, origin)


def run_once(origin: Origin, cache: proxies.Cache) -> dict[str, Test]:
    """All tests; the suite's URLs are new each time, so nothing is stored of them yet."""
    return http_cache_tests.run(origin.suite, cache.port)


def measure(name: str, ask: Callable[[], dict[str, Test]], rounds: int) -> Row:
    """Ask some times, and how long it took each."""
    started = time.monotonic()
    results = []
    for number in range(rounds):
        progress(f"{name}, round {number + 1}")
        results.append(ask())
    return Row(name, results, (time.monotonic() - started) / rounds)


def report(rows: list[Row]) -> list[str]:
    """Print everything, the failures of the first cache one by one; what is wrong."""
    by_name = {row.name: row.tests for row in rows}
    sidekick = by_name.pop("sidekick", None)
    print_failed(rows[0].tests)
    faults = [fault for row in rows for fault in changes(row)]
    if sidekick is not None:
        faults += verdict.faults(sidekick, by_name)
    print_table(rows)
    for fault in faults:
        print(f"FAILED {fault}")
    print(f"{len(faults)} faults", flush=True)
    return faults


def changes(row: Row) -> list[str]:
    """Tests that did not come out alike in all rounds."""
    verdicts = {name: [tests[name].verdict for tests in row.rounds] for name in row.tests}
    return [
        f"{row.name}: {name} came out as {', then '.join(each)}"
        for name, each in verdicts.items()
        if len(set(each)) > 1
    ]


def print_failed(tests: dict[str, Test]) -> None:
    """The required tests that a cache does not pass, with the suite's words."""
    for test in verdict.failed(tests, "required"):
        print(f"{test.verdict:<18} {test.id:<44} {words(test)}")


def words(test: Test) -> str:
    """Why a test did not pass; of one that depends on others it may be their fault."""
    if test.verdict == "dependency failed":
        return f"depends on {', '.join(test.depends_on)}"
    return test.message


def print_table(rows: list[Row]) -> None:
    """A row a cache."""
    columns = ("required", "optimal", "behaviours", "seconds")
    print(f"\n{'cache':<12}" + "".join(f"{column:>14}" for column in columns))
    for row in rows:
        counts = [verdict.count(row.tests, kind) for kind in ("required", "optimal", "check")]
        cells = "".join(f"{f'{passed} of {total}':>14}" for passed, total in counts)
        print(f"{row.name:<12}{cells}{row.seconds:>14.1f}")
    print(flush=True)


def print_logs(processes: list[Process]) -> None:
    """The end of each log, for a machine whose files nobody sees."""
    for process in processes:
        print(f"--- last lines of {process.name}\n{process.tail(15)}", flush=True)


def progress(line: str) -> None:
    """Say what happens now."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
