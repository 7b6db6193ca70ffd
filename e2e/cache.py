"""The shared cache between a real backend and real stores, well and failing."""

from cached import serving
from cached.stores import MotoStore, SeaweedStore

# The rows of the summary: the store, and what is shown with it.
PARTS = {
    "cache weed": (SeaweedStore, serving.SCENARIOS),
    "cache moto": (MotoStore, serving.SCENARIOS),
}
