"""Command-line clients: run one and keep what it said."""

import os
import subprocess
import sys
from pathlib import Path

from harness.scenario import Target


def run(
    target: Target, argv: list[str], env: dict[str, str] | None = None, stdin: bytes | None = None
) -> dict:
    """Run to the end: exit code, standard output as bytes, standard error as text.

    The caller's environment stays out of it: proxies, certificates and profiles would change
    what a client does.
    """
    clean = {"PATH": os.environ["PATH"], "HOME": str(target.work), "LC_ALL": "C.UTF-8"}
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(
        argv,
        cwd=target.work,
        env=clean | (env or {}),
        capture_output=True,
        timeout=120,
        check=False,
        **source,
    )
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr.decode()}


def succeed(
    target: Target, argv: list[str], env: dict[str, str] | None = None, stdin: bytes | None = None
) -> bytes:
    """Run a command that must succeed, and give its standard output."""
    done = run(target, argv, env, stdin)
    assert done["code"] == 0, f"{argv} ended with {done['code']}: {done['err']}"
    return done["out"]


def installed_beside_python(name: str) -> str:
    """A program that came with the Python packages."""
    return str(Path(sys.executable).with_name(name))
