"""The program under test."""

from pathlib import Path

from proxies.proxy import Behind, Proxy


def proxy(binary: str, name: str = "sidekick", threads: int = 1) -> Proxy:
    """A build of sidekick with so many worker threads."""

    def argv(_: Path, port: int, behind: Behind) -> list[str]:
        listen = ["--address", f"127.0.0.1:{port}", "--threads", str(threads)]
        return [binary, *listen, "--health-path", "/", "--quiet", behind.site]

    return Proxy(name, [binary, "--version"], argv)
