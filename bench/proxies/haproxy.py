"""HAProxy, with splicing wherever it can."""

from pathlib import Path

from certificates import CURVE, NAME, SUITE, VERSION
from proxies.proxy import Behind, Front, Proxy

LARGE_PIPES = "  tune.pipesize 1048576"
# For TLS, which is not spliced: several records at a time. Every buffer is so large then.
LARGE_BUFFERS = "  tune.bufsize 65536"

CONFIGURATION = """
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
  bind 127.0.0.1:{port} backlog 4096{bind}
  default_backend backends
backend backends
  balance leastconn
  option httpchk GET /
  default-server check inter 5s pool-max-conn -1{server}
{servers}
"""

TLS = f"""
  ssl-default-bind-options ssl-min-ver {VERSION}
  ssl-default-bind-ciphersuites {SUITE}
  ssl-default-bind-curves {CURVE}
  ssl-default-server-options ssl-min-ver {VERSION}
  ssl-default-server-ciphersuites {SUITE}
"""


def proxy(
    binary: str, name: str, tuning: str = "", clear: bool = True, tls: bool = False
) -> Proxy:
    """HAProxy with splicing wherever it can, without a master process."""

    def argv(folder: Path, front: Front, behind: Behind) -> list[str]:
        servers = [f"  server s{n} {at}" for n, at in enumerate(behind.endpoints, 1)]
        config = folder / "haproxy.cfg"
        either = front.tls or behind.tls
        text = CONFIGURATION.format(
            port=front.port,
            bind=shown(front),
            server=trusted(behind),
            servers="\n".join(servers),
            tuning="\n".join(filter(None, [tuning, TLS.strip("\n") if either else ""])),
        )
        config.write_text(text)
        return [binary, "-db", "-f", str(config)]

    return Proxy(name, [binary, "-v"], argv, clear=clear, tls=tls)


def shown(front: Front) -> str:
    """Words of the listener; the key is in the file beside, of the same name and `.key`."""
    return f" ssl crt {front.tls.chain} alpn h2,http/1.1" if front.tls else ""


def trusted(behind: Behind) -> str:
    """Words of all servers; checks are by TLS, too."""
    if not behind.tls:
        return ""
    verify = f"verify required ca-file {behind.tls.authority} verifyhost {NAME}"
    return f" ssl {verify} sni str({NAME}) check-sni {NAME}"
