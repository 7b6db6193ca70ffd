"""Each side's keys stay on its side."""

import re

from cached.readers import OWNER, STRANGER
from cached.rig import Rig
from cached.stores import KEYS, KEYS_TO_READ
from harness.seaweed import ACCESS_KEY, SECRET_KEY, STRANGER_ACCESS_KEY

COOKIE = "session=of-one-client"
CLIENTS = (ACCESS_KEY, SECRET_KEY, STRANGER_ACCESS_KEY, COOKIE)
STORES = (*KEYS, *KEYS_TO_READ)
SIGNED_BY = re.compile(r"^authorization: .*Credential=([^/]+)/", re.IGNORECASE | re.MULTILINE)


def keys_stay_on_their_side(rig: Rig) -> str:
    """By all requests so far, and some with cookies; therefore the last scenario."""
    sidekick = rig.sidekick()
    body = rig.content("credentials")
    path = rig.path("credentials")
    rig.fill(sidekick, "credentials", body)
    for reader in (OWNER, STRANGER):
        reader.ask(sidekick.port, path, Cookie=COOKIE)
        reader.ask(sidekick.port, path, "HEAD", Cookie=COOKIE)
        reader.ask_presigned(sidekick.port, path)
    OWNER.ask(sidekick.port, path, "PUT", body, Cookie=COOKIE)
    only_the_caches_own_keys(rig.front.heads)
    nothing_of(STORES, rig.backend.heads)
    # The recorder would have seen them: clients' keys do reach the backend.
    for known in (ACCESS_KEY, STRANGER_ACCESS_KEY, COOKIE):
        assert any(known in head for head in rig.backend.heads), f"no {known} at the backend"
    for name in rig.store.objects():
        if name.endswith("/head"):
            nothing_of((*CLIENTS, *STORES), [(rig.store.read(name) or b"").decode("latin-1")])
    return f"{len(rig.front.heads)} requests to the store, {len(rig.backend.heads)} to the backend"


def only_the_caches_own_keys(heads: list[str]) -> None:
    """Each request to the store is signed by its keys and carries nothing of a client."""
    assert heads, "nothing reached the store"
    nothing_of(CLIENTS, heads)
    for head in heads:
        signed = SIGNED_BY.findall(head)
        assert signed in ([KEYS[0]], [KEYS_TO_READ[0]]), f"signed by {signed}:\n{head}"
        names = {line.partition(":")[0].lower() for line in head.splitlines()[1:]}
        assert "cookie" not in names and "x-amz-signature" not in head.lower(), head


def nothing_of(secrets: tuple[str, ...], texts: list[str]) -> None:
    """None of the words is anywhere."""
    for text in texts:
        told = [word for word in secrets if word in text]
        assert not told, f"{told} in:\n{text[:2000]}"


SCENARIOS = [keys_stay_on_their_side]
