"""Six real S3 servers are killed, frozen and cut off under load: what do clients notice?"""

import argparse
import asyncio
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from harness.process import Process, fetch_text
from harness.sidekick import Sidekick
from lab import judge, load, report
from lab.audit import Audit
from lab.events import Chaos
from lab.fleet import PORT, Fleet
from lab.network import Network

FLAGS = ("--health-duration", "1s", "--health-timeout", "2s")
# Every line, as a parser reads them: the laboratory looks up in them what became of a failure.
OUTPUT = ("--json", "--log", "--trace", "application")
WORKERS = 32
# Longer than a client waits for an answer.
DRAIN = 150.0
UP = re.compile(r'^sidekick_backend_up\{.*?endpoint="([^"]+)".*\} 1$', re.MULTILINE)


def main() -> int:
    """Run the laboratory; 0 is no violation, 1 is some, 2 is a laboratory that failed."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = Path(arguments.work or tempfile.mkdtemp(prefix="sidekick-chaos-"))
    work.mkdir(parents=True, exist_ok=True)
    processes: list[Process] = []
    try:
        broken = Run(arguments, work, processes).run()
    except Exception:
        print(f"the laboratory failed; its logs are in {work}", flush=True)
        traceback.print_exc()
        return 2
    finally:
        for process in processes:
            process.kill()
        shutil.rmtree(work / "data", ignore_errors=True)
    if arguments.work or broken:
        print(f"report, requests, events and logs are in {work}", flush=True)
    else:
        shutil.rmtree(work)
    print(f"{broken} violations", flush=True)
    return 1 if broken else 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="e2e/chaos", description=__doc__)
    parser.add_argument("--sidekick", required=True, help="the program under test")
    parser.add_argument("--weed", required=True, help="the SeaweedFS program")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long things happen")
    parser.add_argument("--seed", type=int, help="what happens when; printed, chosen if not given")
    parser.add_argument("--workers", type=int, default=WORKERS, help="clients at a time")
    parser.add_argument("--no-chaos", action="store_true", help="nothing happens")
    parser.add_argument("--own-network", action="store_true", help="servers can be cut off")
    parser.add_argument("--work", help="a folder that keeps the report, requests and logs")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(1_000_000)
    return arguments


class Run:
    """One run from start to verdict."""

    def __init__(self, arguments: argparse.Namespace, work: Path, processes: list[Process]):
        self.arguments = arguments
        self.work = work
        self.processes = processes
        self.origin = time.monotonic()
        self.file = (work / "report.txt").open("w")

    def out(self, line: str) -> None:
        """A line of the report, which is printed, too."""
        print(line, flush=True)
        self.file.write(line + "\n")
        self.file.flush()

    def tell(self, line: str) -> None:
        """What happens now."""
        self.out(f"{time.monotonic() - self.origin:>8.1f}  {line}")

    def run(self) -> int:
        """Start, harm, judge; the number of violations."""
        fleet, sidekick = self.start()
        clients = load.Load("127.0.0.1", sidekick.port, self.arguments.workers, self.arguments.seed)
        chaos = Chaos(
            fleet, random.Random(self.arguments.seed), lambda: up(sidekick.port), self.tell
        )
        clients.start()
        asyncio.run(self.happen(chaos, clients))
        stuck = clients.stop(DRAIN)
        assert not clients.faults(), clients.faults()[0]
        assert fleet.store.running(), "the store ended"
        self.tell("the load is over; reading everything that was stored")
        sums = report.counters(sidekick.port)
        ended = self.end_of(sidekick)
        audit = Audit(fleet.servers[-1].address, PORT, clients.workers)
        audit.run()
        self.tell(f"{audit.read} objects read and {audit.begun} uploads counted")
        return self.verdict(clients, chaos, audit, sums, [*stuck_lines(stuck), *ended])

    def start(self) -> tuple[Fleet, Sidekick]:
        """Everything, ready for the load."""
        arguments = self.arguments
        cuts = "yes" if arguments.own_network else "NO: there is no right to make namespaces here"
        self.out(
            f"seed {arguments.seed}, {arguments.minutes:g} minutes, {arguments.workers} clients,"
            f" 6 servers in 2 sites; servers can be cut off: {cuts}"
        )
        note = self.processes.append
        network = Network(self.work, 6, note) if arguments.own_network else None
        fleet = Fleet(arguments.weed, self.work, network, note)
        fleet.start()
        load.prepare(fleet.servers[0].address, PORT)
        log = self.work / "sidekick.log"
        sidekick = Sidekick(arguments.sidekick, fleet.sites(), log, FLAGS, output=OUTPUT)
        note(sidekick)
        sidekick.start_and_wait()
        self.tell("six servers, sidekick and the objects are there")
        return fleet, sidekick

    async def happen(self, chaos: Chaos, clients: load.Load) -> None:
        """The chaos, or the same time without any."""
        seconds = self.arguments.minutes * 60
        if self.arguments.no_chaos:
            await asyncio.sleep(seconds)
        else:
            await chaos.run(seconds)
        # A little more load on servers that are all well.
        await asyncio.sleep(2)
        assert not clients.faults(), clients.faults()[0]

    def end_of(self, sidekick: Sidekick) -> list[str]:
        """sidekick lives, and ends with 0 when it is told to."""
        if not sidekick.running():
            return [f"sidekick ended early:\n{sidekick.tail(5)}"]
        sidekick.send(signal.SIGTERM)
        code = sidekick.wait(timeout=60)
        return [f"sidekick ended with {code}"] if code else []

    def verdict(
        self,
        clients: load.Load,
        chaos: Chaos,
        audit: Audit,
        sums: dict[str, float | None],
        others: list[str],
    ) -> int:
        """The report; the number of violations."""
        outcomes = clients.outcomes()
        failures = judge.judge(outcomes, chaos.events, self.work / "sidekick.log")
        report.table_of_events(chaos.events, self.origin, self.out)
        report.table_of_requests(outcomes, self.out)
        report.table_of_failures(failures, self.origin, self.out)
        self.out(f"\n{report.line_of_counters(sums)}")
        late = audit.late + [outcome.late for outcome in outcomes if outcome.late]
        for line, times in Counter(late).items():
            self.out(f"late, by a server that was left behind, seen {times} times: {line}")
        broken = judge.violations(failures, outcomes, chaos.events)
        broken += [*audit.wrong, *chaos.overdue, *others]
        if audit.late and not chaos.events:
            broken += audit.late
        self.print_rules(failures, broken, audit, chaos)
        report.write_files(self.work, outcomes, failures, chaos.events)
        return len(broken)

    def print_rules(
        self, failures: list[judge.Failure], broken: list[str], audit: Audit, chaos: Chaos
    ) -> None:
        """The rules, and how often each was broken."""
        unexcused = [failure.outcome for failure in failures if failure.excuse is None]
        repeated = sum("by one POST" in line for line in audit.wrong)
        wrong = sum(1 for one in unexcused if one.wrong) + len(audit.wrong) - repeated
        self.out(f"\nerrors of GET, HEAD, LIST  {sum(one.kind in READS for one in unexcused)}")
        self.out(f"wrong bytes or objects     {wrong}")
        self.out(f"repeated POSTs             {repeated}")
        writes = sum(one.kind not in READS for one in unexcused)
        self.out(f"errors of PUT, DELETE, POST not allowed  {writes}, allowed {allowed(failures)}")
        self.out(f"servers not used again     {len(chaos.overdue)}")
        self.out(f"failed requests            {len(failures)}, violations {len(broken)}")
        for line in broken[: report.SHOWN]:
            self.out(f"VIOLATION {line}")


READS = ("GET", "GET range", "HEAD", "LIST")


def allowed(failures: list[judge.Failure]) -> int:
    """How many failures nothing could spare the client."""
    return sum(failure.excuse is not None for failure in failures)


def stuck_lines(stuck: list) -> list[str]:
    """Requests that never came to an end."""
    return [f"{one.id} {one.kind} {one.key} did not end" for one in stuck]


def up(port: int) -> set[str] | None:
    """The endpoints that sidekick calls up."""
    try:
        return set(UP.findall(fetch_text(port, "/.prometheus/metrics")))
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
