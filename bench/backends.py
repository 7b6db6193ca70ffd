"""What stands behind the proxies: nginx with static files for downloads, sinks for uploads."""

import sys
from dataclasses import dataclass
from pathlib import Path

from harness.process import Process, free_port, wait_for_http

HERE = Path(__file__).resolve().parent
SIZES = {
    **{f"{kib}k": kib << 10 for kib in (1, 4, 16, 64, 256)},
    **{f"{mib}m": mib << 20 for mib in (1, 4, 16, 64, 256)},
}
SERVERS = 4
# Addresses of one server, all of 127.0.1.0/24 that are no network's own.
MOST_ADDRESSES = 250

NGINX = """
user root;
worker_processes 1;
daemon off;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  client_body_temp_path {prefix}/body;
  proxy_temp_path {prefix}/proxy;
  fastcgi_temp_path {prefix}/fastcgi;
  uwsgi_temp_path {prefix}/uwsgi;
  scgi_temp_path {prefix}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
{inside}
}}
"""

STATIC = """
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  upstream sink {{
    server 127.0.0.1:{sink};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
{listens}
    root {root};
    location = / {{ return 200; }}
    location /sink {{
      proxy_pass http://sink;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
    }}
  }}
"""


@dataclass(frozen=True)
class Backends:
    """The running backends; a proxy gets the endpoints of one kind."""

    static: list[int]
    sinks: list[int]
    addresses: int

    def static_endpoints(self, count: int) -> list[str]:
        """`count` endpoints that serve files and take uploads at /sink, a quarter at each
        server."""
        if count == SERVERS:
            return [f"127.0.0.1:{port}" for port in self.static]
        each = range(1, count // SERVERS + 1)
        return [f"127.0.1.{number}:{port}" for port in self.static for number in each]

    def static_site(self, count: int) -> str:
        """The same endpoints as sidekick takes them."""
        if count == SERVERS:
            return ",".join(f"http://127.0.0.1:{port}" for port in self.static)
        each = f"127.0.1.{{1...{count // SERVERS}}}"
        return ",".join(f"http://{each}:{port}" for port in self.static)

    def sink_endpoints(self) -> list[str]:
        """Endpoints that read an upload to its end before they answer."""
        return [f"127.0.0.1:{port}" for port in self.sinks]

    def sink_site(self) -> str:
        """The same endpoints as sidekick takes them."""
        return ",".join(f"http://{endpoint}" for endpoint in self.sink_endpoints())


def start_all(work: Path, most: int, started: list[Process]) -> Backends:
    """Start four servers that can stand for up to `most` backends, and a sink beside each."""
    sinks = [start_sink(work, started) for _ in range(SERVERS)]
    addresses = 0 if most == SERVERS else most // SERVERS
    static = []
    for sink in sinks:
        port = free_port()
        more = [f"127.0.1.{number}:{port}" for number in range(1, addresses + 1)]
        start_static(work, port, more, sink, started)
        static.append(port)
    return Backends(static, sinks, addresses)


def start_static(
    work: Path, port: int, more: list[str], sink: int | None, started: list[Process]
) -> None:
    """Start a file server of one worker at 127.0.0.1:`port`, and at the endpoints `more`."""
    root = work / "root"
    if not root.exists():
        root.mkdir()
        for name, size in SIZES.items():
            with (root / name).open("wb") as file:
                file.truncate(size)
    prefix = work / f"static-{port}"
    prefix.mkdir()
    listens = [f"    listen {at} backlog=4096;" for at in [f"127.0.0.1:{port}", *more]]
    # Without a sink nobody asks for it, and nginx asks for a port that is not zero.
    inside = STATIC.format(listens="\n".join(listens), root=root, sink=sink or port)
    run(f"static server {port}", nginx_argv(prefix, inside), port, work, started)


def start_sink(work: Path, started: list[Process]) -> int:
    """Start a sink; its port."""
    port = free_port()
    run(f"sink {port}", [sys.executable, str(HERE / "sink.py"), str(port)], port, work, started)
    return port


def run(name: str, argv: list[str], port: int, work: Path, started: list[Process]) -> None:
    """Start a server and wait until it answers."""
    process = Process(name, argv, work / f"{name.replace(' ', '-')}.log")
    started.append(process)
    process.start()
    wait_for_http(process, port)


def nginx_argv(prefix: Path, inside: str) -> list[str]:
    """nginx in the foreground with a configuration of its own."""
    config = prefix / "nginx.conf"
    config.write_text(NGINX.format(prefix=prefix, inside=inside))
    return ["nginx", "-p", str(prefix), "-c", str(config), "-e", str(prefix / "error.log")]
