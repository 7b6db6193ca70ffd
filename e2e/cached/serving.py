"""What is read comes from the store once the backend has let its reader in, and is never old."""

import random

from cached.readers import OWNER, Answer
from cached.rig import LEAST, CachedSidekick, Rig
from harness.process import wait_until

# Parts of an object of at least 1 MiB: the field, and the slice.
RANGES = {
    "bytes=0-99": slice(0, 100),
    "bytes=500000-": slice(500_000, None),
    "bytes=-77": slice(-77, None),
}


def what_is_read_is_stored_and_served(rig: Rig) -> str:
    """By GET, HEAD, ranges and a presigned URL; just large enough, and large."""
    sidekick = rig.sidekick()
    large = rig.store.large
    for name, size in (("small", LEAST + 5), ("large", large)):
        body = rig.content(name, size)
        first = rig.fill(sidekick, name, body)
        assert first.cache == "sidekick; fwd=uri-miss; stored", first.cache
        every_way_is_served(rig, sidekick, name, body, first)
    return f"{LEAST + 5} and {large} bytes, each by GET, HEAD, three ranges and presigned"


def every_way_is_served(
    rig: Rig, sidekick: CachedSidekick, name: str, body: bytes, first: Answer
) -> None:
    """All from the store, with the fields of the first answer."""
    port, path = sidekick.port, rig.path(name)
    whole = rig.hit(sidekick, name, body)
    head = OWNER.ask(port, path, "HEAD")
    presigned = OWNER.ask_presigned(port, path)
    assert presigned.status == 200 and presigned.is_body(body), presigned.cache
    assert head.status == 200 and head.body == b"", head.status
    for same in (whole, head, presigned):
        assert same.is_validated, same.cache
        for field in ("etag", "content-length", "content-type", "last-modified"):
            assert same.fields[field] == first.fields[field], f"another {field}"
    for asked, part in RANGES.items():
        before = sidekick.served()
        found = OWNER.ask(port, path, Range=asked)
        assert found.status == 206 and found.is_validated, f"{asked}: {found.status} {found.cache}"
        assert found.is_body(body[part]), f"{asked}: other bytes came"
        first_byte, end, _ = part.indices(len(body))
        told = f"bytes {first_byte}-{end - 1}/{len(body)}"
        assert found.fields["content-range"] == told, found.fields["content-range"]
        assert sidekick.served() - before == end - first_byte, f"{asked}: not from the store"


def small_object_is_not_stored(rig: Rig) -> str:
    """One byte below what is worth it."""
    sidekick = rig.sidekick()
    body = rig.content("below", LEAST - 1)
    for _ in range(2):
        answer = rig.read(sidekick, "below", body)
        assert answer.cache == "sidekick; fwd=uri-miss", answer.cache
    assert not rig.stored("below")
    return f"{LEAST - 1} bytes, from the backend each time"


def changed_object_is_new_at_once(rig: Rig) -> str:
    """Through sidekick and behind its back; the new bytes are stored in the place of the old."""
    sidekick = rig.sidekick()
    rig.fill(sidekick, "changed", rig.content("changed"))
    through = rig.content("through")
    put = OWNER.ask(sidekick.port, rig.path("changed"), "PUT", through)
    assert put.status == 200, put.status
    rig.fill(sidekick, "changed", through)
    rig.hit(sidekick, "changed", through)
    behind = rig.content("behind")
    rig.put("changed", behind)
    rig.fill(sidekick, "changed", behind)
    rig.hit(sidekick, "changed", behind)
    only_one_is_left(rig, "changed")
    return "new bytes at once, both times"


def deleted_object_is_gone_at_once(rig: Rig) -> str:
    """Through sidekick and behind its back; nothing of it stays in the store."""
    sidekick = rig.sidekick()
    for name in ("deleted through", "deleted behind"):
        rig.fill(sidekick, name.replace(" ", "-"), rig.content(name.replace(" ", "-")))
    gone = OWNER.ask(sidekick.port, rig.path("deleted-through"), "DELETE")
    assert gone.status == 204, gone.status
    rig.delete("deleted-behind")
    for name in ("deleted-through", "deleted-behind"):
        answer = OWNER.ask(sidekick.port, rig.path(name))
        assert answer.status == 404, f"{name}: {answer.status}, {answer.cache}"
        wait_until(lambda each=name: not rig.stored(each), f"the store to forget {name}")
    assert sidekick.metric("sidekick_cache_evictions_total") == 2
    return "404 and evicted, both times"


def restarted_sidekick_finds_what_was_stored(rig: Rig) -> str:
    """Another process, with nothing but the store."""
    body = rig.content("kept")
    before = rig.sidekick()
    rig.fill(before, "kept", body)
    before.kill()
    rig.hit(rig.sidekick(), "kept", body)
    return "served by the next process"


def objects_missing_in_the_store_are_not_missed(rig: Rig) -> str:
    """Somebody has cleaned up: the body, the head, or both; it is stored again."""
    sidekick = rig.sidekick()
    for kind, pattern in (("body", "/body-"), ("head", "/head"), ("all", "/")):
        name = f"without-{kind}"
        body = rig.content(name)
        rig.fill(sidekick, name, body)
        taken = [each for each in rig.stored(name) if pattern in each]
        assert taken, f"nothing of {name} was in the store"
        rig.store.remove(*taken)
        is_stored_in_the_end(rig, sidekick, name, body)
    return "right bytes without a body, without a head, without both"


def damaged_head_is_a_miss(rig: Rig) -> str:
    """Random bytes, nothing, and half of what was there."""
    sidekick = rig.sidekick()
    body = rig.content("damaged")
    rig.fill(sidekick, "damaged", body)
    head = f"{rig.folder('damaged')}/head"
    whole = rig.store.read(head) or b""
    for damage in (random.Random(1).randbytes(500), b"", whole[: len(whole) // 2]):
        rig.store.write(head, damage)
        answer = rig.fill(sidekick, "damaged", body)
        assert answer.cache == "sidekick; fwd=uri-miss; stored", answer.cache
        rig.hit(sidekick, "damaged", body)
    return "stored anew three times"


def is_stored_in_the_end(rig: Rig, sidekick: CachedSidekick, name: str, body: bytes) -> None:
    """Right bytes each time; what was missed first is taken out, then stored, then served."""
    wait_until(lambda: rig.read(sidekick, name, body).is_fill, f"{name} to be stored again")
    wait_until(lambda: rig.read(sidekick, name, body).is_validated, f"{name} to be served again")
    rig.hit(sidekick, name, body)


def only_one_is_left(rig: Rig, name: str) -> None:
    """Bodies that were replaced do not stay."""
    wait_until(lambda: len(rig.stored(name)) == 2, f"one head and one body of {name}")


SCENARIOS = [
    what_is_read_is_stored_and_served,
    small_object_is_not_stored,
    changed_object_is_new_at_once,
    deleted_object_is_gone_at_once,
    restarted_sidekick_finds_what_was_stored,
    objects_missing_in_the_store_are_not_missed,
    damaged_head_is_a_miss,
]
