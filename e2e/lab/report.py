"""The report of a run: what happened, what the clients saw, what broke a rule."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from harness.process import fetch_text
from lab.events import Event
from lab.judge import Failure, describe, named
from lab.wire import Outcome

KINDS = ("GET", "GET range", "HEAD", "LIST", "PUT held", "PUT", "DELETE", "POST")
COUNTERS = (
    "requests",
    "errors",
    "retries",
    "resumes",
    "connect_errors",
    "health_transitions",
    "dropped_lines",
)
SHOWN = 40


def table_of_events(events: list[Event], origin: float, out: Callable[[str], None]) -> None:
    """Every event with its times."""
    out(f"\n{'began':>8}{'healed':>8}{'used':>8}  event")
    for event in events:
        times = (event.began, event.healed, event.settled)
        columns = "".join(f"{at - origin:>8.1f}" if at else f"{'-':>8}" for at in times)
        out(f"{columns}  {named(event)}")


def table_of_requests(outcomes: list[Outcome], out: Callable[[str], None]) -> None:
    """Counts and latencies by kind, in milliseconds."""
    out(f"\n{'':<11}{'':>9}{'':>8}  {'first byte, ms':^24}  {'whole, ms':^24}  longest")
    times = f"{'p50':>8}{'p99':>8}{'max':>8}"
    out(f"{'kind':<11}{'requests':>9}{'errors':>8}  {times}  {times}  wait, ms")
    for kind in KINDS:
        of_kind = [outcome for outcome in outcomes if outcome.kind == kind]
        if not of_kind:
            continue
        errors = sum(outcome.error is not None for outcome in of_kind)
        first = quantiles([one.first_byte for one in of_kind if one.first_byte is not None])
        whole = quantiles([one.seconds for one in of_kind])
        wait = max(one.longest_wait for one in of_kind) * 1000
        out(f"{kind:<11}{len(of_kind):>9}{errors:>8}  {first}  {whole}{wait:>9.0f}")


def quantiles(seconds: list[float]) -> str:
    """Median, 99th percentile and maximum in milliseconds."""
    if not seconds:
        return f"{'-':>8}" * 3
    ordered = sorted(seconds)
    picks = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1])
    return "".join(f"{pick * 1000:>8.0f}" for pick in picks)


def table_of_failures(failures: list[Failure], origin: float, out: Callable[[str], None]) -> None:
    """Failures by kind, error and cause, then each in a line."""
    if not failures:
        return
    groups = Counter(
        (
            "allowed" if failure.excuse else "VIOLATION",
            failure.outcome.kind,
            shape(failure.outcome.error or ""),
            failure.event.name if failure.event else "nothing",
        )
        for failure in failures
    )
    out(f"\n{'count':>6}  {'judged':<10}{'kind':<10}error, event")
    for (judged, kind, error, event), count in groups.most_common():
        out(f"{count:>6}  {judged:<10}{kind:<10}{error}, {event}")
    out("")
    for failure in sorted(failures, key=lambda one: one.excuse is not None)[:SHOWN]:
        out(f"{failure.outcome.ended - origin:>8.1f}  {describe(failure)}")
    if len(failures) > SHOWN:
        out(f"  and {len(failures) - SHOWN} more, in outcomes.jsonl")


def shape(error: str) -> str:
    """An error without its numbers of bytes, so that like ones count together."""
    words = ["N" if word.isdigit() and len(word) != 3 else word for word in error.split()]
    return " ".join(words)


def counters(port: int) -> dict[str, float | None]:
    """Sums of sidekick's counters over all backends; None for one that it does not have."""
    lines = fetch_text(port, "/.prometheus/metrics").splitlines()
    sums: dict[str, float | None] = {}
    for counter in COUNTERS:
        name = f"sidekick_{counter}_total"
        found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        sums[counter] = sum(float(line.split()[-1]) for line in found) if found else None
    return sums


def line_of_counters(sums: dict[str, float | None]) -> str:
    """The same as a line."""
    words = [
        f"{name.replace('_', ' ')} {'not counted' if value is None else int(value)}"
        for name, value in sums.items()
    ]
    return f"sidekick: {', '.join(words)}"


def write_files(
    work: Path, outcomes: list[Outcome], failures: list[Failure], events: list[Event]
) -> None:
    """Everything in a form that programs read; times are of the monotonic clock."""
    judged = {failure.outcome.id: failure for failure in failures}
    with (work / "outcomes.jsonl").open("w") as file:
        for outcome in outcomes:
            row = asdict(outcome)
            if failure := judged.get(outcome.id):
                row["judged"] = describe(failure)
            file.write(json.dumps(row) + "\n")
    rows = [
        {
            "name": event.name,
            "servers": [server.endpoint for server in event.servers],
            "began": event.began,
            "healed": event.healed,
            "settled": event.settled,
        }
        for event in events
    ]
    (work / "events.json").write_text(json.dumps(rows, indent=1) + "\n")
