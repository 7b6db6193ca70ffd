"""No proxy at all, but what one cannot be without: a process that passes bytes on."""

import subprocess
from pathlib import Path

from harness.setup import target_folder
from proxies.proxy import Behind, Front, Proxy

ROOT = Path(__file__).resolve().parent.parent.parent


def proxy() -> Proxy:
    """The program of examples/floor.rs, which is for small bodies and few clients."""
    binary = built()

    def argv(_: Path, front: Front, behind: Behind) -> list[str]:
        return [binary, f"127.0.0.1:{front.port}", *behind.endpoints]

    return Proxy("floor", [], argv, only=frozenset({"get-1k-1", "get-1k-64"}))


def built() -> str:
    """The program, built."""
    argv = ["cargo", "build", "--release", "--locked", "--quiet", "--example", "floor"]
    subprocess.run(argv, cwd=ROOT, check=True)
    return str(target_folder(ROOT) / "release/examples/floor")
