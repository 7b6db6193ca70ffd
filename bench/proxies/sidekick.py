"""The program under test."""

import subprocess
from pathlib import Path

from proxies.proxy import Behind, Front, Proxy

ROOT = Path(__file__).resolve().parent.parent.parent


def proxy(binary: str, name: str = "sidekick", threads: int = 1) -> Proxy:
    """A build of sidekick with so many worker threads."""

    def argv(_: Path, front: Front, behind: Behind) -> list[str]:
        listen = ["--address", f"127.0.0.1:{front.port}", "--threads", str(threads)]
        if front.tls:
            listen += ["--cert", str(front.tls.chain), "--key", str(front.tls.key)]
        trust = ["--cacert", str(behind.tls.authority)] if behind.tls else []
        return [binary, *listen, *trust, "--health-path", "/", "--quiet", behind.site]

    return Proxy(name, [binary, "--version"], argv, tls=has_tls(binary), build=build_of(binary))


def build_of(binary: str) -> str:
    """Where a build lies, which tells a profiled one from a plain one; of one from elsewhere only its
    name."""
    path = Path(binary).resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def has_tls(binary: str) -> bool:
    """Whether this build has TLS: one from before it has the flags and refuses them."""
    done = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True)
    flags, _, _ = done.stdout.partition("Not in this version yet")
    return "--cert " in flags
