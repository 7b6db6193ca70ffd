"""Caddy on one processor."""

from pathlib import Path

from proxies.proxy import Behind, Front, Proxy

CONFIGURATION = """
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


def proxy(binary: str) -> Proxy:
    """Caddy on one processor."""

    def argv(folder: Path, front: Front, behind: Behind) -> list[str]:
        config = folder / "Caddyfile"
        config.write_text(CONFIGURATION.format(port=front.port, endpoints=" ".join(behind.endpoints)))
        return [binary, "run", "--adapter", "caddyfile", "--config", str(config)]

    return Proxy("caddy", [binary, "version"], argv, (("GOMAXPROCS", "1"),))
