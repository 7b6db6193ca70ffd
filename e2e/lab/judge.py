"""The rules: which failures nothing could spare the client, and which are sidekick's."""

import json
from dataclasses import dataclass
from pathlib import Path

from lab.events import Event
from lab.load import HELD
from lab.wire import Outcome

NEVER = ("GET", "GET range", "HEAD", "LIST", "DELETE", "PUT held")


@dataclass(frozen=True)
class Trace:
    """What sidekick's log says of a request."""

    host: str
    attempts: int
    received: int
    status: int
    error: str | None

    def __str__(self) -> str:
        words = f"{self.host} attempt {self.attempts} status {self.status}"
        return f"{words}: {self.error}" if self.error else words


@dataclass(frozen=True)
class Failure:
    """A request that failed, judged."""

    outcome: Outcome
    trace: Trace | None
    # Bytes of the body that sidekick had taken from the client.
    consumed: int
    event: Event | None
    # Why it is allowed, or None.
    excuse: str | None


def judge(outcomes: list[Outcome], events: list[Event], log: Path) -> list[Failure]:
    """All failures with what sidekick's log and the events say of them."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    traces = read_traces(log, {outcome.id for outcome in failed})
    return [judged(outcome, traces.get(outcome.id), events) for outcome in failed]


def judged(outcome: Outcome, trace: Trace | None, events: list[Event]) -> Failure:
    """One failure."""
    consumed = max(0, trace.received - outcome.head) if trace else outcome.sent
    event = cause(outcome, trace, events)
    return Failure(outcome, trace, consumed, event, excuse(outcome, consumed, event))


def cause(outcome: Outcome, trace: Trace | None, events: list[Event]) -> Event | None:
    """The event that harmed it, as far as one can tell: at the server that sidekick names, or at
    any; the first that began during the request, or the last that was not over."""
    known = trace.host if trace and trace.host.startswith("http") else None
    for host in (known, None):
        fits = [event for event in events if event.covers(host, outcome.began, outcome.ended)]
        during = [event for event in fits if event.began >= outcome.began]
        if fits:
            return during[0] if during else fits[-1]
    return None


def excuse(outcome: Outcome, consumed: int, event: Event | None) -> str | None:
    """Why a failure is allowed, if it is."""
    if outcome.wrong or outcome.kind in NEVER or event is None:
        return None
    if outcome.kind == "POST":
        return "may have been delivered"
    if consumed > HELD:
        return f"{consumed} bytes of the body consumed"
    return None


def read_traces(log: Path, wanted: set[str]) -> dict[str, Trace]:
    """The lines about these requests; the log may be large."""
    found: dict[str, Trace] = {}
    with log.open(errors="replace") as lines:
        for line in lines:
            identity = line.partition("x-id=")[2][:9]
            if identity not in wanted:
                continue
            try:
                told = json.loads(line)
            except ValueError:
                continue
            found[identity] = Trace(
                told["host"],
                told.get("attempts", 1),
                told["callStats"]["rx"],
                told["statusCode"],
                told.get("error") or told["callStats"]["healthError"],
            )
    return found


def violations(failures: list[Failure], outcomes: list[Outcome], events: list[Event]) -> list[str]:
    """One line for each request that broke a rule."""
    broken = [describe(failure) for failure in failures if failure.excuse is None]
    for outcome in outcomes:
        # A server that was left behind may do what it was told, later; without one, nobody may.
        if outcome.late and not any(event.began <= outcome.ended for event in events):
            broken.append(f"{outcome.id} {outcome.kind}: {outcome.late}")
    return broken


def describe(failure: Failure) -> str:
    """A failure in one line."""
    one = failure.outcome
    words = [
        f"{one.id} {one.kind} {one.key} ({one.size} bytes) after {one.seconds:.2f} s: {one.error}",
        f"sent {one.sent}, consumed {failure.consumed}" if one.kind.startswith("PUT") else "",
        f"sidekick: {failure.trace}" if failure.trace else "no line of sidekick",
        f"cause: {named(failure.event)}" if failure.event else "NO EVENT EXPLAINS IT",
        f"allowed: {failure.excuse}" if failure.excuse else "",
    ]
    return "; ".join(word for word in words if word)


def named(event: Event) -> str:
    """An event in a few words."""
    return f"{' '.join(str(server) for server in event.servers)} {event.name}"
