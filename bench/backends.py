"""What stands behind the proxies: nginx with static files for downloads, sinks for uploads."""

import sys
from dataclasses import dataclass
from pathlib import Path

from certificates import CURVE, NAME, SUITE, VERSION, Certificates
from handshake import NEGOTIATED, wait_for_https
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
    location = {negotiated} {{ return 200 "$ssl_protocol $ssl_cipher $ssl_curve"; }}
    # The same files with what an S3 server says of an object.
    location /s3/ {{
      alias {root}/;
      add_header Strict-Transport-Security "max-age=31536000; includeSubDomains";
      add_header Vary "Origin, Accept-Encoding";
      add_header X-Amz-Id-2 dd9025bab4ad464b049177c95eb6ebf374d3b3fd;
      add_header X-Amz-Request-Id 188D2F3C5A8B9E10;
      add_header X-Content-Type-Options nosniff;
      add_header X-Xss-Protection "1; mode=block";
    }}
    # The same files in chunks, for clients that take them compressed.
    location /chunked/ {{
      alias {root}/;
      gzip on;
      gzip_comp_level 1;
      gzip_types text/plain;
    }}
    location /sink {{
      proxy_pass http://sink;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
    }}
  }}
"""


NGINX_TLS = """
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols {version};
    ssl_ecdh_curve {curve};
    ssl_conf_command Ciphersuites {suite};
    ssl_session_tickets on;
"""


@dataclass(frozen=True)
class Backends:
    """The running backends; a proxy gets the endpoints of one kind."""

    static: list[int]
    static_tls: list[int]
    sinks: list[int]
    sinks_tls: list[int]
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

    def tls_endpoints(self, put: bool) -> list[str]:
        """Endpoints that speak TLS: sinks, or file servers, which speak HTTP/2 too."""
        return [f"127.0.0.1:{port}" for port in (self.sinks_tls if put else self.static_tls)]

    def tls_site(self, put: bool) -> str:
        """The same endpoints as sidekick takes them."""
        ports = self.sinks_tls if put else self.static_tls
        return ",".join(f"https://{NAME}:{port}" for port in ports)


@dataclass(frozen=True)
class TlsPort:
    """Where a server speaks TLS, too, and what it shows."""

    port: int
    certificates: Certificates


def start_all(
    work: Path, most: int, certificates: Certificates, started: list[Process]
) -> Backends:
    """Start four servers that can stand for up to `most` backends, and beside each a sink and one
    for TLS."""
    sinks = [start_sink(work, None, started) for _ in range(SERVERS)]
    sinks_tls = [start_sink(work, certificates, started) for _ in range(SERVERS)]
    addresses = 0 if most == SERVERS else most // SERVERS
    static, static_tls = [], []
    for sink in sinks:
        port = free_port()
        more = [f"127.0.1.{number}:{port}" for number in range(1, addresses + 1)]
        tls = TlsPort(free_port(), certificates)
        start_static(work, port, more, sink, started, tls)
        static.append(port)
        static_tls.append(tls.port)
    return Backends(static, static_tls, sinks, sinks_tls, addresses)


def start_static(
    work: Path,
    port: int,
    more: list[str],
    sink: int | None,
    started: list[Process],
    tls: TlsPort | None = None,
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
    if tls:
        listens.append(nginx_tls(tls.port, tls.certificates))
    inside = STATIC.format(
        listens="\n".join(listens),
        root=root,
        # Without a sink nobody asks for it, and nginx asks for a port that is not zero.
        sink=sink or port,
        negotiated=NEGOTIATED,
    )
    run(f"static server {port}", nginx_argv(prefix, inside), port, work, started)


def start_sink(work: Path, certificates: Certificates | None, started: list[Process]) -> int:
    """Start a sink, of TLS where it has something to show; its port."""
    port = free_port()
    argv = [sys.executable, str(HERE / "sink.py"), str(port)]
    if certificates:
        argv += [str(certificates.chain), str(certificates.key)]
    run(f"sink {port}", argv, port, work, started, certificates)
    return port


def run(
    name: str,
    argv: list[str],
    port: int,
    work: Path,
    started: list[Process],
    certificates: Certificates | None = None,
) -> None:
    """Start a server and wait until it answers, by TLS where there are certificates."""
    process = Process(name, argv, work / f"{name.replace(' ', '-')}.log")
    started.append(process)
    process.start()
    if certificates:
        wait_for_https(process, port, certificates)
    else:
        wait_for_http(process, port)


def nginx_tls(port: int, certificates: Certificates) -> str:
    """The lines of a server of nginx's that listens by TLS, for HTTP/2 too."""
    return NGINX_TLS.format(
        port=port,
        chain=certificates.chain,
        key=certificates.key,
        version=VERSION,
        suite=SUITE,
        curve=CURVE,
    ).strip("\n")


def nginx_argv(prefix: Path, inside: str) -> list[str]:
    """nginx in the foreground with a configuration of its own."""
    config = prefix / "nginx.conf"
    config.write_text(NGINX.format(prefix=prefix, inside=inside))
    return ["nginx", "-p", str(prefix), "-c", str(config), "-e", str(prefix / "error.log")]
