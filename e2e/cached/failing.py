"""The store dies, stands still or refuses: no client notices, neither by bytes nor by time."""

import contextlib
import signal
from collections.abc import Iterator

from cached.rig import LARGE, CachedSidekick, Rig
from cached.stores import KEYS, KEYS_TO_READ
from harness.process import wait_until
from harness.scenario import MIB

MIDDLE = 16 * MIB


def store_that_is_down_at_the_start_costs_nothing(rig: Rig) -> str:
    """And is used as soon as it is there."""
    body = rig.content("down-at-first")
    rig.store.process.kill()
    try:
        sidekick = direct(rig)
        sidekick.wait_for_store(up=False)
        assert rig.read(sidekick, "down-at-first", body).cache == "sidekick; fwd=bypass"
        told = rig.costs_nothing(sidekick, "down-at-first", body)
    finally:
        rig.store.start_again()
    sidekick.wait_for_store(up=True)
    rig.fill(sidekick, "down-at-first", body)
    rig.hit(sidekick, "down-at-first", body)
    return told


def store_that_is_killed_costs_nothing(rig: Rig) -> str:
    """Nobody has been told: the first request that misses it meets the outage."""
    sidekick = direct(rig)
    body = rig.content("killed")
    rig.fill(sidekick, "killed", body)
    rig.store.process.kill()
    try:
        rig.read(sidekick, "killed", body)
        told = rig.costs_nothing(sidekick, "killed", body)
        sidekick.wait_for_store(up=False)
    finally:
        rig.store.start_again()
    sidekick.wait_for_store(up=True)
    wait_until(lambda: rig.read(sidekick, "killed", body).is_validated, "a hit after the outage")
    rig.hit(sidekick, "killed", body)
    return told


def store_that_stands_still_before_a_look_up_costs_no_time(rig: Rig) -> str:
    """Its system takes connections and bytes, and nothing comes back."""
    sidekick = direct(rig)
    body = rig.content("still-before", LARGE)
    with standing_still(rig):
        download = rig.download(sidekick, "still-before")
        download.must_be(body)
    told = rig.is_in_time(download)
    assert "hit" not in download.cache and "stored" not in download.cache, download.cache
    return told


def store_that_stands_still_in_a_fill_costs_no_time(rig: Rig) -> str:
    """What it was too slow for is fetched when the client has everything; half is never served."""
    sidekick = direct(rig)
    body = rig.content("still-fill", LARGE)
    # No more comes at once than the store can take.
    rig.backend.rate = 20 * MIB
    download = rig.download(sidekick, "still-fill")
    assert download.cache == "sidekick; fwd=uri-miss; stored", download.cache
    wait_until(lambda: download.received > MIDDLE, "the fill to be in its middle")
    with standing_still(rig):
        download.must_be(body)
    told = rig.is_in_time(download)
    rig.read(sidekick, "still-fill", body)
    sidekick.wait_for_fill()
    rig.nothing_half_is_visible()
    rig.hit(sidekick, "still-fill", body)
    return told


def store_that_stands_still_in_a_hit_costs_no_time(rig: Rig) -> str:
    """The rest comes from a backend."""
    sidekick = direct(rig)
    body = rig.content("still-hit", LARGE)
    rig.fill(sidekick, "still-hit", body)
    download = rig.download(sidekick, "still-hit")
    assert download.cache.endswith("; fwd-status=304"), download.cache
    wait_until(lambda: download.received > MIDDLE, "the hit to be in its middle")
    with standing_still(rig):
        download.must_be(body)
    assert rig.continues("still-hit"), "no backend was asked for the rest"
    return rig.is_in_time(download)


def store_that_refuses_fills_is_read_only(rig: Rig) -> str:
    """Keys that may read: what others have stored is served, what is new is not stored."""
    old, new = rig.content("old"), rig.content("new")
    rig.fill(direct(rig), "old", old)
    sidekick = direct(rig, KEYS_TO_READ)
    rig.hit(sidekick, "old", old)
    rig.read(sidekick, "new", new)
    sidekick.wait_for_fill(lost=True)
    again = rig.read(sidekick, "new", new)
    assert again.cache == "sidekick; fwd=uri-miss", f"{again.cache}, not left alone"
    rig.hit(sidekick, "old", old)
    assert not rig.stored("new")
    return "hits as before, one fill refused"


def store_with_other_keys_is_not_used(rig: Rig) -> str:
    """A wrong secret: said once, and nothing else happens."""
    sidekick = direct(rig, (KEYS[0], "not-the-secret"))
    sidekick.wait_for_store(up=False)
    body = rig.content("wrong-keys")
    for _ in range(2):
        assert rig.read(sidekick, "wrong-keys", body).cache == "sidekick; fwd=bypass"
    assert not rig.stored("wrong-keys")
    log = sidekick.log.read_text()
    assert "not-the-secret" not in log, "the secret was told"
    told = [line for line in log.splitlines() if "is not used" in line]
    assert len(told) == 1, told
    return told[0]


def store_that_is_full_takes_no_more(rig: Rig) -> str:
    """What it has is served as before; what finds no room leaves nothing behind."""
    sidekick = direct(rig)
    old, large = rig.content("before-full"), rig.content("too-large", LARGE)
    rig.fill(sidekick, "before-full", old)
    before = sidekick.ends()
    rig.read(sidekick, "too-large", large)
    sidekick.wait_for_fill(before, lost=True)
    rig.read(sidekick, "too-large", large)
    assert not rig.stored("too-large")
    rig.hit(sidekick, "before-full", old)
    rig.nothing_half_is_visible()
    return "64 MiB found no room, and what was there is served"


def bucket_that_is_deleted_is_not_missed(rig: Rig) -> str:
    """Under a running sidekick, and made again."""
    sidekick = direct(rig)
    body = rig.content("bucketless")
    rig.fill(sidekick, "bucketless", body)
    rig.store.delete_bucket()
    try:
        for _ in range(3):
            rig.read(sidekick, "bucketless", body)
        sidekick.wait_for_store(up=False)
        rig.read(sidekick, "bucketless", body)
    finally:
        rig.store.create_bucket()
    sidekick.wait_for_store(up=True)
    rig.read(sidekick, "bucketless", body)
    return "right bytes without a bucket and with a new one"


def direct(rig: Rig, keys: tuple[str, str] = KEYS) -> CachedSidekick:
    """A sidekick that meets the store itself."""
    return rig.sidekick(rig.store.endpoint, keys)


@contextlib.contextmanager
def standing_still(rig: Rig) -> Iterator[None]:
    """SIGSTOP, and SIGCONT in the end."""
    rig.store.process.send(signal.SIGSTOP)
    try:
        yield
    finally:
        rig.store.process.send(signal.SIGCONT)


STANDING_STILL = [
    store_that_stands_still_before_a_look_up_costs_no_time,
    store_that_stands_still_in_a_fill_costs_no_time,
    store_that_stands_still_in_a_hit_costs_no_time,
]
DYING = [
    store_that_is_down_at_the_start_costs_nothing,
    store_that_is_killed_costs_nothing,
]
REFUSING = [
    store_that_refuses_fills_is_read_only,
    store_with_other_keys_is_not_used,
]
