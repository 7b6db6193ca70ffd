"""What sidekick has to reach beside HAProxy 2.8 and nginx, as data, and who passed."""

from dataclasses import dataclass

import report
from measure import CASES, Case

# CPU a request at most, as a multiple of HAProxy 2.8's with splicing, and with 1 MiB pipes too.
CPU = {
    "get-1k-64": (0.90, 0.90),
    "get-1k-1": (0.70, 0.70),
    "get-64k-16": (0.80, 0.85),
    "get-1m-8": (0.80, 0.85),
    "get-64m-4": (0.70, 1.10),
    "put-1m-8": (0.80, 0.95),
    "put-64m-4": (0.75, 1.00),
}
# The same with TLS, where nobody can splice, as a multiple of HAProxy 2.8's.
TLS_CPU_SMALL, TLS_CPU_LARGE = 0.85, 0.95
# With HTTP/2 from the clients, as a multiple of nginx's.
HTTP2_CPU = 1.20
SMALL_BODY = 64 << 10
P99_SMALL, P99_LARGE = 1.1, 1.5
ADDED_LATENCY = 0.70
PEAK_MIB = 12.0
# CPU with 1,000 backends as a multiple of that with 4.
MANY_BACKENDS = 1.05
SPLICED, WITH_PIPES, _ = report.BASES
NGINX = "nginx"
SHORT = report.BASES | report.HTTP2_BASES


@dataclass(frozen=True)
class Gate:
    """One limit and the figure that was measured."""

    what: str
    figure: float
    limit: float
    at_least: bool = False

    @property
    def passed(self) -> bool:
        """Whether the figure keeps to the limit."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "passed" if self.passed else "MISSED"
        return f"{verdict}  {self.what}: {self.figure:.2f} ({sign} {self.limit:.2f})"


def gates(results: dict[tuple[str, int], dict[str, dict]]) -> list[Gate]:
    """All gates that what was measured can answer: (case, backends) to proxy to medians."""
    found = []
    for case in CASES:
        for (name, backends), rows in results.items():
            if name == case.name and "sidekick" in rows:
                found += of_case(case, rows) if backends == 4 else against_four(case, results)
    return found


def of_case(case: Case, rows: dict[str, dict]) -> list[Gate]:
    """The gates of a case over four backends."""
    ours = rows["sidekick"]
    found = []
    for base, limit in cpu_limits(case).items():
        figure = report.ratio(ours, rows.get(base, {}), "cpu_us_per_request")
        if figure is not None:
            short = SHORT[base]
            found.append(Gate(f"{case.name}, CPU a request ÷ {short}", figure, limit))
    if case.name in CPU and SPLICED in rows:
        found += beside_haproxy(case, rows)
    if case.name in CPU:
        found.append(Gate(f"{case.name}, peak memory in MiB", ours["peak_rss_mib"], PEAK_MIB))
    return found


def cpu_limits(case: Case) -> dict[str, float]:
    """CPU a request at most, by the rival that it is a multiple of."""
    if case.streams:
        return {NGINX: HTTP2_CPU}
    if case.tls:
        return {SPLICED: TLS_CPU_SMALL if case.size <= SMALL_BODY else TLS_CPU_LARGE}
    return dict(zip((SPLICED, WITH_PIPES), CPU.get(case.name, ()), strict=False))


def beside_haproxy(case: Case, rows: dict[str, dict]) -> list[Gate]:
    """Rate and latency beside HAProxy with splicing."""
    ours, theirs = rows["sidekick"], rows[SPLICED]
    rate = ours["requests_per_second"] / theirs["requests_per_second"]
    slowest = ours["p99_us"] / theirs["p99_us"]
    limit = P99_SMALL if case.size <= SMALL_BODY else P99_LARGE
    found = [
        Gate(f"{case.name}, requests/s ÷ H", rate, 1.0, at_least=True),
        Gate(f"{case.name}, p99 ÷ H", slowest, limit),
    ]
    added = report.added_latency(rows, SPLICED)
    if case.connections == 1 and added:
        share = report.added_latency(rows, "sidekick") / added
        found.append(Gate(f"{case.name}, added p50 ÷ H", share, ADDED_LATENCY))
    return found


def against_four(case: Case, results: dict[tuple[str, int], dict[str, dict]]) -> list[Gate]:
    """What many backends cost, when few were measured too."""
    few = results.get((case.name, 4), {}).get("sidekick")
    found = []
    for (name, backends), rows in results.items():
        if few and name == case.name and backends != 4:
            figure = report.ratio(rows["sidekick"], few, "cpu_us_per_request")
            what = f"{name}, CPU a request with {backends:,} backends ÷ with 4"
            found.append(Gate(what, figure, MANY_BACKENDS))
    return found
