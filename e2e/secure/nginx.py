"""nginx with TLS: a server on a port of its own for each certificate, all in one process."""

from dataclasses import dataclass, field
from pathlib import Path

from harness.process import Process, free_port, is_open, wait_until
from harness.authority import Identity

KIB = "k" * 1024
CONFIG = """
user root;
worker_processes 1;
daemon off;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  log_format client '$status $ssl_client_serial $uri';
  access_log {prefix}/access.log client;
  client_body_temp_path {prefix}/body;
  proxy_temp_path {prefix}/proxy;
  fastcgi_temp_path {prefix}/fastcgi;
  uwsgi_temp_path {prefix}/uwsgi;
  scgi_temp_path {prefix}/scgi;
  client_max_body_size 0;
  large_client_header_buffers 8 16k;
  ssl_session_cache shared:sessions:1m;
{servers}
}}
"""
SERVER = """
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {cert};
    ssl_certificate_key {key};
    {directives}
    location = /healthz {{ return 200; }}
    location = /kib {{ return 200 "{kib}"; }}
    location = /refused {{ return 403 "refused"; }}
    location / {{
      proxy_pass {gateway};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
      proxy_buffering off;
    }}
  }}
"""


@dataclass
class Server:
    """A certificate, what else nginx should do, and the S3 server behind it."""

    identity: Identity
    directives: str = ""
    gateway: str = "http://127.0.0.1:1"
    port: int = field(default_factory=free_port)

    @property
    def endpoint(self) -> str:
        """Its URL, by address."""
        return f"https://127.0.0.1:{self.port}"

    def text(self) -> str:
        """Its part of the configuration."""
        return SERVER.format(
            port=self.port,
            cert=self.identity.cert,
            key=self.identity.key,
            directives=self.directives,
            kib=KIB,
            gateway=self.gateway,
        )


class Nginx(Process):
    """Servers with TLS in front of S3 servers, or alone."""

    def __init__(self, prefix: Path, *servers: Server):
        prefix.mkdir()
        self.access_log = prefix / "access.log"
        self.ports = [server.port for server in servers]
        config = prefix / "nginx.conf"
        text = "".join(server.text() for server in servers)
        config.write_text(CONFIG.format(prefix=prefix, servers=text))
        error_log = prefix / "error.log"
        argv = ["nginx", "-p", str(prefix), "-c", str(config), "-e", str(error_log)]
        super().__init__("nginx", argv, error_log)

    def start_and_wait(self) -> None:
        """Start it and wait until it listens."""
        self.start()

        def listens() -> bool:
            assert self.running(), f"nginx ended early:\n{self.tail()}"
            return all(is_open(port) for port in self.ports)

        wait_until(listens, "nginx to listen")
