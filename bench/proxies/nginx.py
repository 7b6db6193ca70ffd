"""nginx as a proxy."""

from pathlib import Path

from backends import nginx_argv, nginx_tls
from certificates import CURVE, NAME, SUITE, VERSION
from proxies.proxy import Behind, Front, Proxy

SERVER = """
  upstream backends {{
    least_conn;
{servers}
    keepalive 1024;
    keepalive_requests 1000000000;
  }}
  server {{
{listen}
    location / {{
      proxy_pass {scheme}://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
{trust}
    }}
  }}
"""

TRUST = """
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate {authority};
      proxy_ssl_name {name};
      proxy_ssl_server_name on;
      proxy_ssl_protocols {version};
      proxy_ssl_conf_command Ciphersuites {suite};
      proxy_ssl_conf_command Groups {curve};
"""


def proxy() -> Proxy:
    """nginx with one worker."""

    def argv(folder: Path, front: Front, behind: Behind) -> list[str]:
        text = SERVER.format(
            servers="\n".join(f"    server {endpoint};" for endpoint in behind.endpoints),
            listen=listen(front),
            scheme="https" if behind.tls else "http",
            trust=trust(behind),
        )
        return nginx_argv(folder, text)

    return Proxy("nginx", ["nginx", "-v"], argv, tls=True)


def listen(front: Front) -> str:
    """The lines of the listener."""
    if front.tls:
        return nginx_tls(front.port, front.tls)
    return f"    listen 127.0.0.1:{front.port} backlog=4096;"


def trust(behind: Behind) -> str:
    """The lines by which backends are verified."""
    if not behind.tls:
        return ""
    text = TRUST.format(
        authority=behind.tls.authority, name=NAME, version=VERSION, suite=SUITE, curve=CURVE
    )
    return text.strip("\n")
