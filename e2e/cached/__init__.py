"""The shared cache over real stores: what `cache.py` puts together."""
