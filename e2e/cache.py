"""The shared cache between a real backend and real stores, well and failing."""

from cached import credentials, failing, halves, permission, serving, sharing
from cached.stores import LittleStore, MotoStore, SeaweedStore

WITH_EACH = [
    *serving.SCENARIOS,
    *permission.SCENARIOS,
    *sharing.SCENARIOS,
    *halves.SCENARIOS,
    *failing.STANDING_STILL,
    *failing.DYING,
]

# The rows of the summary: the store, and what is shown with it. moto believes all keys; a bucket
# with something in it is deleted there at once.
PARTS = {
    "cache weed": (SeaweedStore, WITH_EACH + failing.REFUSING + credentials.SCENARIOS),
    "cache full": (LittleStore, [failing.store_that_is_full_takes_no_more]),
    "cache moto": (
        MotoStore,
        [*WITH_EACH, failing.bucket_that_is_deleted_is_not_missed, *credentials.SCENARIOS],
    ),
}
