"""The static backends, and the proxies that are compared, each with one thread."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.process import Process, free_port, wait_for_http

SIZES = {"1k": 1 << 10, "64k": 64 << 10, "1m": 1 << 20, "256m": 256 << 20}

NGINX = """
user root;
worker_processes 1;
daemon off;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
events {{ worker_connections 4096; }}
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
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {root};
    location = / {{ return 200; }}
    location /sink {{ return 200; }}
  }}
"""

NGINX_PROXY = """
  upstream backends {{
    least_conn;
    {servers}
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
    }}
  }}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  option splice-request
  option splice-response
  http-reuse always
frontend front
  bind 127.0.0.1:{port} backlog 4096
  default_backend backends
backend backends
  balance leastconn
  option httpchk GET /
  default-server check inter 5s pool-max-conn -1
{servers}
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy to measure: how to start it on `port` in front of `backends`, and its version."""

    name: str
    version: list[str]
    argv: Callable[[Path, int, list[int]], list[str]]

    def start(self, work: Path, backends: list[int]) -> tuple[Process, int]:
        """Start it on a free port and wait until it serves."""
        port = free_port()
        folder = work / f"{self.name}-{port}"
        folder.mkdir()
        process = Process(self.name, self.argv(folder, port, backends), work / f"{self.name}.log")
        process.start()
        try:
            wait_for_http(process, port)
        except BaseException:
            process.kill()
            raise
        return process, port


def nginx_argv(prefix: Path, inside: str) -> list[str]:
    """nginx in the foreground with a configuration of its own."""
    config = prefix / "nginx.conf"
    config.write_text(NGINX.format(prefix=prefix, inside=inside))
    return ["nginx", "-p", str(prefix), "-c", str(config), "-e", str(prefix / "error.log")]


def nginx_proxy(folder: Path, port: int, backends: list[int]) -> list[str]:
    """nginx as a proxy with one worker and kept-alive backend connections."""
    servers = " ".join(f"server 127.0.0.1:{backend};" for backend in backends)
    return nginx_argv(folder, NGINX_PROXY.format(port=port, servers=servers))


def haproxy(folder: Path, port: int, backends: list[int]) -> list[str]:
    """HAProxy as Debian ships it, one thread, without a master process."""
    lines = [f"  server s{port} 127.0.0.1:{port}" for port in backends]
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, servers="\n".join(lines)))
    return ["haproxy", "-db", "-f", str(config)]


def sidekick(binary: str, name: str = "sidekick") -> Proxy:
    """A build of sidekick with one worker thread."""

    def argv(_: Path, port: int, backends: list[int]) -> list[str]:
        site = ",".join(f"http://127.0.0.1:{backend}" for backend in backends)
        return [binary, "--address", f"127.0.0.1:{port}", "--threads", "1", "--quiet", site]

    return Proxy(name, [binary, "--version"], argv)


HAPROXY_PROXY = Proxy("haproxy", ["haproxy", "-v"], haproxy)
NGINX_REVERSE_PROXY = Proxy("nginx", ["nginx", "-v"], nginx_proxy)


def start_backends(work: Path, ports: list[int], started: list[Process]) -> None:
    """Start a static file server of one worker on each port."""
    root = work / "root"
    root.mkdir()
    for name, size in SIZES.items():
        with (root / name).open("wb") as file:
            file.truncate(size)
    for port in ports:
        prefix = work / f"backend-{port}"
        prefix.mkdir()
        argv = nginx_argv(prefix, STATIC.format(port=port, root=root))
        backend = Process(f"backend {port}", argv, work / f"backend-{port}.log")
        started.append(backend)
        backend.start()
        wait_for_http(backend, port)
