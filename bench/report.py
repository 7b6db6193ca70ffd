"""Medians of the rounds, the tables, and what the machine was."""

import datetime
import os
import platform
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIGURES = {
    "requests_per_second": ("requests/s", "{:,.0f}"),
    "p50_us": ("p50 µs", "{:,.0f}"),
    "p99_us": ("p99 µs", "{:,.0f}"),
    "cpu_us_per_request": ("CPU µs/request", "{:,.2f}"),
    "peak_rss_mib": ("peak RSS MiB", "{:.1f}"),
}
# The rivals that others are a multiple of: how a column names them.
BASES = {"haproxy-2.8": "H", "haproxy-2.8-pipes": "Hp", "haproxy-2.8-buffers": "Hb"}
HTTP2_BASES = {"haproxy-2.8": "H", "nginx": "N"}
RATIOS = {"cpu_us_per_request": "CPU", "requests_per_second": "requests/s", "p99_us": "p99"}


def medians(rounds: list[dict]) -> dict:
    """The median of each figure; errors are summed."""
    result = {"errors": sum(one["errors"] for one in rounds)}
    for figure in FIGURES:
        if figure in rounds[0]:
            result[figure] = statistics.median(one[figure] for one in rounds)
    return result


def ratio(row: dict, base: dict, figure: str) -> float | None:
    """A figure as a multiple of a rival's."""
    if figure not in row or not base.get(figure):
        return None
    return row[figure] / base[figure]


def added_latency(rows: dict[str, dict], name: str) -> float | None:
    """Microseconds that a proxy adds to the median latency."""
    if name not in rows or "direct" not in rows:
        return None
    return rows[name]["p50_us"] - rows["direct"]["p50_us"]


def table(title: str, rows: dict[str, dict], rivals: dict[str, str]) -> str:
    """A Markdown table of one case; ratios for the rivals that took part."""
    bases = {name: short for name, short in rivals.items() if name in rows}
    columns = [(name, figure) for figure in RATIOS for name in bases]
    heads = [f"{RATIOS[figure]} ÷ {bases[name]}" for name, figure in columns]
    head = ["proxy", *(text for text, _ in FIGURES.values()), "errors", *heads]
    lines = [f"### {title}", "", row_of(head), row_of(["---", *["---:"] * (len(head) - 1)])]
    for proxy, row in rows.items():
        figures = [
            form.format(row[figure]) if figure in row else "–"
            for figure, (_, form) in FIGURES.items()
        ]
        ratios = [in_words(ratio(row, rows[name], figure)) for name, figure in columns]
        lines.append(row_of([proxy, *figures, str(row["errors"]), *ratios]))
    return "\n".join(lines)


def in_words(value: float | None) -> str:
    """A ratio, or a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


def row_of(cells: list[str]) -> str:
    """One Markdown table row."""
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """Processor, memory and kernel; nothing that names the machine."""
    processor = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control")
    parts = [
        f"processor {processor[0] if processor else platform.machine()}",
        f"cores {os.cpu_count()}",
        f"memory {memory:.0f} GiB",
        f"kernel {platform.release().partition('-')[0]}",
        f"congestion control {congestion.read_text().strip() if congestion.exists() else 'unknown'}",
    ]
    return ", ".join(parts)


def commit() -> str:
    """What is measured."""
    argv = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def record_folder(record: bool, out: Path | None) -> Path | None:
    """Where a run is to be written, if anywhere: `out`, or a new folder of today's."""
    if out or not record:
        return out
    today = HERE / "runs" / datetime.date.today().isoformat()
    folder, number = today, 2
    while folder.exists():
        folder = today.with_name(f"{today.name}-{number}")
        number += 1
    return folder


def version(argv: list[str]) -> str:
    """The first line that a program says about its version."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    # Some begin with their own path or name.
    return lines[0].removeprefix(argv[0]).strip().removeprefix("version: ") if lines else "unknown"
