"""Bodies whose every byte is known without keeping them: slices of one pool of random bytes."""

import hashlib
import random
from dataclasses import dataclass

from harness.scenario import MIB

LARGEST = 64 * MIB
# More than the largest body, so that two bodies of one size begin at different bytes.
POOL = random.Random(77).randbytes(LARGEST + MIB)
TAG = 32


@dataclass(frozen=True)
class Content:
    """A body: a tag of its name, then a slice of the pool."""

    name: str
    size: int

    def part(self, first: int, last: int) -> bytes:
        """Bytes `first` to `last`, the last one not included."""
        tag = self.tag()
        start = self.start() - len(tag)
        if first >= len(tag):
            return POOL[start + first : start + last]
        return tag[first:last] + POOL[start + len(tag) : max(start + last, start + len(tag))]

    def tag(self) -> bytes:
        """The first bytes, which no other body has."""
        return hashlib.sha256(self.name.encode()).digest()[: min(TAG, self.size)]

    def start(self) -> int:
        """Where its slice of the pool begins; the same in every run."""
        return TAG + int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4]) % (MIB - TAG)

    def sha256(self) -> str:
        """The hash of the whole body, which its upload is signed with."""
        return hashlib.sha256(self.part(0, self.size)).hexdigest()

    def first_difference(self, offset: int, piece: bytes) -> int | None:
        """Where a piece that was read at `offset` differs, or None."""
        expected = self.part(offset, offset + len(piece))
        if piece == expected:
            return None
        pairs = zip(piece, expected, strict=False)
        same = next((at for at, (a, b) in enumerate(pairs) if a != b), len(expected))
        return offset + same
