"""Envoy with one worker thread."""

import json
from pathlib import Path

from proxies.proxy import Behind, Front, Proxy


def proxy(binary: str) -> Proxy:
    """Envoy with one worker thread."""

    def argv(folder: Path, front: Front, behind: Behind) -> list[str]:
        config = folder / "envoy.json"
        config.write_text(json.dumps(configuration(front.port, behind.endpoints), indent=1))
        quiet = ["--use-dynamic-base-id", "--log-level", "error"]
        return [binary, "-c", str(config), "--concurrency", "1", *quiet]

    return Proxy("envoy", [binary, "--version"], argv)


def configuration(port: int, endpoints: list[str]) -> dict:
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
