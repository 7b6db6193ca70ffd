"""HAProxy, with splicing wherever it can."""

from pathlib import Path

from proxies.proxy import Behind, Proxy

LARGE_PIPES = "  tune.pipesize 1048576"

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
  bind 127.0.0.1:{port} backlog 4096
  default_backend backends
backend backends
  balance leastconn
  option httpchk GET /
  default-server check inter 5s pool-max-conn -1
{servers}
"""


def proxy(binary: str, name: str, tuning: str = "") -> Proxy:
    """HAProxy with splicing wherever it can, without a master process."""

    def argv(folder: Path, port: int, behind: Behind) -> list[str]:
        servers = [f"  server s{n} {at}" for n, at in enumerate(behind.endpoints, 1)]
        config = folder / "haproxy.cfg"
        text = CONFIGURATION.format(port=port, servers="\n".join(servers), tuning=tuning)
        config.write_text(text)
        return [binary, "-db", "-f", str(config)]

    return Proxy(name, [binary, "-v"], argv)
