"""Many readers, several processes, one store."""

from concurrent.futures import ThreadPoolExecutor

from cached.readers import OWNER, Download
from cached.rig import LARGE, Rig

READERS = 50


def what_one_process_stores_another_serves(rig: Rig) -> str:
    """And what one is told to change, the other does not serve any more."""
    one, other = rig.sidekick(), rig.sidekick()
    body = rig.content("shared")
    rig.fill(one, "shared", body)
    rig.hit(other, "shared", body)
    changed = body[::-1]
    assert OWNER.ask(other.port, rig.path("shared"), "PUT", changed).status == 200
    rig.fill(one, "shared", changed)
    rig.hit(other, "shared", changed)
    return "stored by one, served by the other, both ways"


def many_readers_of_a_cold_object_store_it_once(rig: Rig) -> str:
    """All at once; the body goes to the store one time."""
    sidekick = rig.sidekick()
    body = rig.content("crowd", LARGE)
    upload = f"PUT /[^/]+/{rig.folder('crowd')}/body-"

    def read(_: int) -> None:
        download = Download(sidekick.port, rig.path("crowd"))
        download.start()
        download.must_be(body)

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(read, range(READERS)))
    sidekick.wait_for_fill()
    count = rig.front.count(upload)
    assert count == 1, f"{count} bodies went to the store: {sidekick.ends()}"
    rig.hit(sidekick, "crowd", body)
    return f"{READERS} readers, {count} body to the store"


SCENARIOS = [
    what_one_process_stores_another_serves,
    many_readers_of_a_cold_object_store_it_once,
]
