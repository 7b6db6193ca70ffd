"""Whom the backend refuses gets nothing, whatever is stored; the owner gets what is right."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from cached.readers import NOBODY, OWNER, STRANGER, Answer, Reader
from cached.rig import CachedSidekick, Rig
from clients.boto import s3

PART, PART_OF_BODY = "bytes=1000-1999", slice(1000, 2000)
# Fields that tell something of an object.
TELLING = {"etag", "last-modified", "content-range", "age"}


@dataclass
class Secret:
    """An object that its owner may read."""

    rig: Rig
    sidekick: CachedSidekick
    name: str
    # All that it has ever been, the last one now; none when it is gone.
    bodies: list[bytes]
    tag: str
    is_gone: bool = False

    @classmethod
    def new(cls, rig: Rig, sidekick: CachedSidekick, name: str) -> "Secret":
        """Stored at the backend only."""
        body = rig.content(name)
        return cls(rig, sidekick, name, [body], tag_of(rig, name))

    def ask(self, reader: Reader, method: str = "GET", **fields: str) -> Answer:
        """By a signature in the head."""
        return reader.ask(self.sidekick.port, self.rig.path(self.name), method, **fields)


def tag_of(rig: Rig, name: str) -> str:
    """The entity tag that the backend gives an object."""
    origin = s3(rig.seaweed.endpoint(0))
    return origin.head_object(Bucket=rig.bucket, Key=rig.key(name))["ETag"]


def nothing_stored(_: Secret) -> None:
    """The first who asks."""


def stored_by_the_owner(secret: Secret) -> None:
    """Read once."""
    secret.rig.fill(secret.sidekick, secret.name, secret.bodies[-1])


def validated_by_the_owner(secret: Secret) -> None:
    """Read again: its head has been refreshed."""
    stored_by_the_owner(secret)
    secret.rig.hit(secret.sidekick, secret.name, secret.bodies[-1])


def changed_behind(secret: Secret) -> None:
    """What is stored is old."""
    stored_by_the_owner(secret)
    secret.bodies.append(secret.bodies[-1][::-1])
    secret.rig.put(secret.name, secret.bodies[-1])
    secret.tag = tag_of(secret.rig, secret.name)


def deleted_behind(secret: Secret) -> None:
    """What is stored is no more."""
    stored_by_the_owner(secret)
    secret.rig.delete(secret.name)
    secret.is_gone = True


STATES = [
    nothing_stored,
    stored_by_the_owner,
    validated_by_the_owner,
    changed_behind,
    deleted_behind,
]

# How everybody asks, and what the owner gets by it: the status, and which part of the body.
WAYS: dict[str, tuple[Callable[[Secret, Reader], Answer], int, slice]] = {
    "GET": (lambda secret, reader: secret.ask(reader), 200, slice(None)),
    "HEAD": (lambda secret, reader: secret.ask(reader, "HEAD"), 200, slice(0)),
    "range": (lambda secret, reader: secret.ask(reader, Range=PART), 206, PART_OF_BODY),
    "presigned": (
        lambda secret, reader: reader.ask_presigned(
            secret.sidekick.port, secret.rig.path(secret.name)
        ),
        200,
        slice(None),
    ),
    "right tag": (
        lambda secret, reader: secret.ask(reader, If_None_Match=secret.tag),
        304,
        slice(0),
    ),
    "stale is welcome": (
        lambda secret, reader: secret.ask(reader, Cache_Control="max-stale"),
        200,
        slice(None),
    ),
}


def whom_the_backend_refuses_gets_nothing_in_any_state(rig: Rig) -> str:
    """Every state times every way of asking, before and after the owner asks the same."""
    sidekick = rig.sidekick()
    cases = list(itertools.product(STATES, WAYS))
    for number, (state, way) in enumerate(cases):
        secret = Secret.new(rig, sidekick, f"secret-{number}")
        state(secret)
        ask, status, part = WAYS[way]
        for turn in ("before", "after"):
            case = f"{way} of what is {state.__name__}, {turn} the owner"
            for reader in (STRANGER, NOBODY):
                gets_nothing(secret, ask(secret, reader), f"{case}: {reader.name}")
            gets_it_right(secret, ask(secret, OWNER), status, part, case)
    return f"{len(cases)} cases, two strangers and the owner twice each"


def gets_nothing(secret: Secret, answer: Answer, case: str) -> None:
    """No byte, no tag, no length, but a refusal."""
    assert answer.status == 403, f"{case}: {answer.status}, {answer.cache}"
    told = TELLING & set(answer.fields)
    assert not told, f"{case}: told {told}"
    everything = b"\n".join([answer.body, *(each.encode() for each in answer.fields.values())])
    assert secret.tag.strip('"').encode() not in everything, f"{case}: told the tag"
    for body in secret.bodies:
        lengths = {str(len(body)), str(len(body) - 1)}
        assert answer.fields.get("content-length") not in lengths, f"{case}: told the length"
        pieces = (body[:32], body[PART_OF_BODY][:32], body[-32:])
        assert not any(piece in everything for piece in pieces), f"{case}: told bytes"


def gets_it_right(secret: Secret, answer: Answer, status: int, part: slice, case: str) -> None:
    """What the backend itself would say now."""
    if secret.is_gone:
        assert answer.status == 404, f"{case}: {answer.status}, {answer.cache}"
        return
    body = secret.bodies[-1]
    assert answer.status == status, f"{case}: {answer.status}, {answer.cache}"
    assert answer.is_body(body[part]), f"{case}: other bytes, {answer.cache}"
    assert answer.fields["etag"] == secret.tag, f"{case}: another tag, {answer.cache}"
    if status == 200:
        assert answer.fields["content-length"] == str(len(body)), f"{case}: another length"


def what_calls_itself_public_is_served_to_everybody(rig: Rig) -> str:
    """The counterpart: who stores `public` has said that no reader needs to be asked for."""
    sidekick = rig.sidekick()
    body = rig.content("public")
    rig.put("public", body, CacheControl="public, max-age=60")
    rig.fill(sidekick, "public", body)
    asked = rig.backend.count("GET .*/public")
    for reader in (STRANGER, NOBODY, OWNER):
        answer = reader.ask(sidekick.port, rig.path("public"))
        assert answer.status == 200 and answer.is_body(body), f"{reader.name}: {answer.status}"
        assert answer.cache.startswith("sidekick; hit; ttl="), answer.cache
    assert rig.backend.count("GET .*/public") == asked, "the backend was asked"
    return "to the owner, a stranger and nobody, and no backend was asked"


SCENARIOS = [
    whom_the_backend_refuses_gets_nothing_in_any_state,
    what_calls_itself_public_is_served_to_everybody,
]
