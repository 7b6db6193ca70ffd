"""Draw one plot as SVG: JSON on standard input, as bench/scaling and bench/fleet give it.

Runs with the Python of the benchmarks' virtual environment, which has matplotlib.
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
# The same figures give the same file.
matplotlib.rcParams["svg.hashsalt"] = "sidekick"

from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402


def main() -> None:
    """Read, draw, write."""
    plot = json.load(sys.stdin)
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    is_curve = plot.get("curve", False)
    for name, points in plot["lines"].items():
        axes.plot(*zip(*points, strict=True), marker=None if is_curve else "o", label=name)
    if is_curve:
        axes.set_ylim(bottom=0)
    elif plot["bytes"]:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(in_bytes))
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
    else:
        axes.set_xscale("log")
        axes.set_xticks(sorted({at for points in plot["lines"].values() for at, _ in points}))
        axes.xaxis.set_major_formatter(FuncFormatter(plain))
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
    axes.set(title=plot["title"], xlabel=plot["axis"], ylabel=plot["label"])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(plot["file"], metadata={"Date": None})


def in_bytes(count: float, _: int) -> str:
    """4096 as 4 KiB."""
    return f"{count / (1 << 20):g} MiB" if count >= 1 << 20 else f"{count / 1024:g} KiB"


def plain(count: float, _: int) -> str:
    """Without powers of ten."""
    return f"{count:g}"


if __name__ == "__main__":
    main()
