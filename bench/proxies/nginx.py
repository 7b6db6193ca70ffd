"""nginx as a proxy."""

from pathlib import Path

from backends import nginx_argv
from proxies.proxy import Behind, Proxy

SERVER = """
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


def proxy() -> Proxy:
    """nginx with one worker."""

    def argv(folder: Path, port: int, behind: Behind) -> list[str]:
        servers = "\n".join(f"    server {endpoint};" for endpoint in behind.endpoints)
        return nginx_argv(folder, SERVER.format(port=port, servers=servers))

    return Proxy("nginx", ["nginx", "-v"], argv)
