"""Medians of the rounds, the table, and what the machine was."""

import os
import platform
import statistics
import subprocess
from pathlib import Path

FIGURES = {
    "requests_per_second": ("requests/s", "{:,.0f}"),
    "p50_us": ("p50 µs", "{:,.0f}"),
    "p99_us": ("p99 µs", "{:,.0f}"),
    "cpu_us_per_request": ("CPU µs/request", "{:.2f}"),
    "peak_rss_mib": ("peak RSS MiB", "{:.1f}"),
}


def medians(rounds: list[dict]) -> dict:
    """The median of each figure; errors are summed."""
    result = {"errors": sum(one["errors"] for one in rounds)}
    for figure in FIGURES:
        if figure in rounds[0]:
            result[figure] = statistics.median(one[figure] for one in rounds)
    return result


def ratio(row: dict, base: dict | None, figure: str) -> str:
    """A figure as a multiple of HAProxy's."""
    if base is None or figure not in row or not base[figure]:
        return "–"
    return f"{row[figure] / base[figure]:.2f}"


def table(case: str, rows: dict[str, dict]) -> str:
    """A Markdown table of one case, with ratios against HAProxy."""
    base = rows.get("haproxy")
    titles = [title for title, _ in FIGURES.values()]
    head = ["proxy", *titles, "errors", "requests/s ÷ HAProxy", "CPU ÷ HAProxy"]
    lines = [f"### {case}", "", row_of(head), row_of(["---", *["---:"] * (len(head) - 1)])]
    for name, row in rows.items():
        figures = [
            form.format(row[figure]) if figure in row else "–"
            for figure, (_, form) in FIGURES.items()
        ]
        ratios = [ratio(row, base, f) for f in ("requests_per_second", "cpu_us_per_request")]
        lines.append(row_of([name, *figures, str(row["errors"]), *ratios]))
    return "\n".join(lines)


def row_of(cells: list[str]) -> str:
    """One Markdown table row."""
    return f"| {' | '.join(cells)} |"


def machine() -> dict[str, str]:
    """Processor, memory and kernel; nothing that names the machine."""
    processor = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "processor": processor[0] if processor else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release().partition("-")[0],
    }


def version(argv: list[str]) -> str:
    """The first line that a program says about its version."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()[0].strip()
