"""Whoever dies in the middle of a fill, nothing half is ever visible."""

from cached.readers import Download
from cached.rig import LARGE, CachedSidekick, Rig
from harness.process import wait_until
from harness.scenario import MIB

RATE = 20 * MIB
MIDDLE = 16 * MIB


def backend_that_dies_leaves_nothing(rig: Rig) -> str:
    """It is the only one, so the client's body ends early, too."""
    sidekick = rig.sidekick()
    body = rig.content("lost-backend", LARGE)
    download = in_the_middle(rig, sidekick, "lost-backend")
    server = rig.seaweed.gateways[0]
    server.kill()
    try:
        sidekick.wait_for_fill(lost=True)
        download.join()
        assert download.received < LARGE, "the whole body came"
    finally:
        server.start()
        rig.seaweed.wait_for_gateway(0)
    nothing_is_there(rig, "lost-backend")
    return comes_whole(rig, "lost-backend", body, download)


def client_that_leaves_early_leaves_nothing(rig: Rig) -> str:
    """Before half of the body: the rest is not worth its fetching."""
    sidekick = rig.sidekick()
    body = rig.content("lost-client", LARGE)
    download = in_the_middle(rig, sidekick, "lost-client")
    download.leave()
    sidekick.wait_for_fill(lost=True)
    nothing_is_there(rig, "lost-client")
    return comes_whole(rig, "lost-client", body, download)


def client_that_leaves_late_leaves_a_whole_object(rig: Rig) -> str:
    """Behind half of the body: the rest is fetched for the store alone."""
    sidekick = rig.sidekick()
    body = rig.content("late", LARGE)
    download = in_the_middle(rig, sidekick, "late")
    wait_until(lambda: download.received > LARGE * 3 // 4, "three quarters to be read")
    download.leave()
    assert download.received < LARGE, "the client had read everything before it left"
    sidekick.wait_for_fill()
    rig.nothing_half_is_visible()
    rig.hit(sidekick, "late", body)
    return f"the client left after {download.received // MIB} MiB, all is stored"


def sidekick_that_is_killed_leaves_nothing(rig: Rig) -> str:
    """SIGKILL."""
    sidekick = rig.sidekick()
    body = rig.content("lost-sidekick", LARGE)
    download = in_the_middle(rig, sidekick, "lost-sidekick")
    sidekick.kill()
    download.join()
    assert download.received < LARGE, "the whole body came"
    nothing_is_there(rig, "lost-sidekick")
    return comes_whole(rig, "lost-sidekick", body, download)


def in_the_middle(rig: Rig, sidekick: CachedSidekick, name: str) -> Download:
    """A quarter of a large body has come to the client and the store, at the pace of the backend."""
    rig.backend.rate = RATE
    download = rig.download(sidekick, name, rate=0)
    assert download.cache == "sidekick; fwd=uri-miss; stored", download.cache
    wait_until(lambda: download.received > MIDDLE, "the download to be in its middle")
    uploads = rig.front.count(f"PUT .*/{rig.folder(name)}/body-")
    assert uploads == 1, f"{uploads} uploads in the middle"
    return download


def nothing_is_there(rig: Rig, name: str) -> None:
    """No head of it, and no head of anything that names less than it says."""
    assert f"{rig.folder(name)}/head" not in rig.store.objects(), f"{name} has a head"
    rig.nothing_half_is_visible()


def comes_whole(rig: Rig, name: str, body: bytes, download: Download) -> str:
    """The next reader gets and stores it from the first byte on."""
    rig.backend.rate = 0
    sidekick = rig.sidekick()
    rig.fill(sidekick, name, body)
    rig.hit(sidekick, name, body)
    count = rig.nothing_half_is_visible()
    return f"it ended after {download.received // MIB} MiB; all {count} stored bodies are whole"


SCENARIOS = [
    backend_that_dies_leaves_nothing,
    client_that_leaves_early_leaves_nothing,
    client_that_leaves_late_leaves_a_whole_object,
    sidekick_that_is_killed_leaves_nothing,
]
