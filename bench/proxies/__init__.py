"""The proxies that are compared, each with one thread and its connections to backends kept."""

from collections.abc import Callable
from pathlib import Path

from proxies import caddy, envoy, floor, haproxy, nginx, sidekick
from proxies.peers import haproxy_28, install_peers, packages_of
from proxies.proxy import Behind, Proxy

__all__ = ["PROXIES", "Behind", "Proxy", "install_peers", "sidekick"]

# In the order of the table. What is made here needs the programs of `install_peers`.
PROXIES: dict[str, Callable[[Path, str], Proxy]] = {
    "sidekick": lambda _, binary: sidekick.proxy(binary),
    "haproxy-2.8": lambda peers, _: haproxy.proxy(haproxy_28(peers), "haproxy-2.8", tls=True),
    "haproxy-2.8-pipes": lambda peers, _: haproxy.proxy(
        haproxy_28(peers), "haproxy-2.8-pipes", haproxy.LARGE_PIPES
    ),
    "haproxy-2.8-buffers": lambda peers, _: haproxy.proxy(
        haproxy_28(peers), "haproxy-2.8-buffers", haproxy.LARGE_BUFFERS, clear=False, tls=True
    ),
    "haproxy-debian": lambda *_: haproxy.proxy("haproxy", "haproxy-debian"),
    "haproxy-debian-pipes": lambda *_: haproxy.proxy(
        "haproxy", "haproxy-debian-pipes", haproxy.LARGE_PIPES
    ),
    "nginx": lambda *_: nginx.proxy(),
    "envoy": lambda peers, _: envoy.proxy(str(packages_of(peers) / "envoy/_bin/envoy")),
    "caddy": lambda peers, _: caddy.proxy(str(peers / "bin/caddy")),
    "floor": lambda *_: floor.proxy(),
}
