"""A store for the shared cache that costs next to nothing: nginx with files."""

from pathlib import Path

import backends
from harness.process import Process, free_port

# It takes PUT and DELETE, and asks for no signature.
STORE = """
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location = / {{ return 200; }}
    location = /cache {{ return 200; }}
    location / {{
      dav_methods PUT DELETE;
      create_full_put_path on;
    }}
  }}
"""


def start(work: Path, started: list[Process]) -> int:
    """Start the store of files; its port."""
    port, prefix, root = free_port(), work / "store", work / "objects"
    prefix.mkdir()
    root.mkdir()
    argv = backends.nginx_argv(prefix, STORE.format(port=port, root=root))
    backends.run("store", argv, port, work, started)
    return port


def cache_in(port: int) -> dict[str, str]:
    """The variables of a cache in the store at a port."""
    return {
        "SIDEKICK_CACHE_ENDPOINT": f"http://127.0.0.1:{port}",
        "SIDEKICK_CACHE_BUCKET": "cache",
        "SIDEKICK_CACHE_ACCESS_KEY": "bench",
        "SIDEKICK_CACHE_SECRET_KEY": "bench",
    }
