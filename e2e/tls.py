"""TLS on both sides and HTTP/2, with real clients, real servers and a private authority."""

from secure import backends, clients, http2, listener, rotation, scan

# The rows of the summary.
PARTS = {
    "tls clients": clients.SCENARIOS,
    "http/2": http2.SCENARIOS,
    "tls backends": backends.SCENARIOS,
    "tls listener": listener.SCENARIOS,
    "tls scan": scan.SCENARIOS,
    "tls rotation": rotation.SCENARIOS,
}
