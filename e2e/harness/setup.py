"""What a run needs from the machine: Debian packages and the built program."""

import os
import shutil
import subprocess
from pathlib import Path


def install(packages: dict[str, str]) -> None:
    """Install the Debian package of each program that is missing: program to package."""
    # Debian keeps servers in a folder that is not everybody's PATH.
    os.environ["PATH"] += ":/usr/sbin"
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if not missing:
        return
    print(f"installing {' '.join(missing)}", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"env": env, "stdin": subprocess.DEVNULL, "check": True}
    subprocess.run(["apt-get", "-qq", "update"], **quiet)
    subprocess.run(
        ["apt-get", "-qq", "install", "--no-install-recommends", "-y", *missing],
        stdout=subprocess.DEVNULL,
        **quiet,
    )


def sidekick_binary(root: Path) -> str:
    """The program under test: $SIDEKICK, or the release build, built when it is missing."""
    given = os.environ.get("SIDEKICK")
    if given:
        return str(Path(given).resolve())
    binary = target_folder(root) / "release" / "sidekick"
    if not binary.exists():
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=root, check=True)
    return str(binary)


def target_folder(root: Path) -> Path:
    """Where cargo puts what it builds: $CARGO_TARGET_DIR, or `target`."""
    return Path(os.environ.get("CARGO_TARGET_DIR", root / "target")).resolve()
