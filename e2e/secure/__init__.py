"""TLS and HTTP/2, with certificates of the run's own: what `tls.py` puts together."""
