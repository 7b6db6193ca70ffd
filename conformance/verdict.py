"""What a run must have come to: known failures only, and better than its rivals."""

from pathlib import Path

from http_cache_tests import Test

EXPECTED = Path(__file__).resolve().parent / "expected-http-cache-tests.txt"
# The best published proxy passes 132 required tests and 70 optimal ones.
MORE_REQUIRED_THAN = 132
MORE_OPTIMAL_THAN = 70

Tests = dict[str, Test]


def count(tests: Tests, kind: str) -> tuple[int, int]:
    """How many of a kind passed, and of how many."""
    of_kind = [test for test in tests.values() if test.kind == kind]
    return sum(test.good for test in of_kind), len(of_kind)


def failed(tests: Tests, kind: str) -> list[Test]:
    """All of a kind that did not pass, for whatever reason."""
    return [test for test in tests.values() if test.kind == kind and not test.good]


def faults(sidekick: Tests, rivals: dict[str, Tests]) -> list[str]:
    """Why the run has failed; nothing when it has not."""
    return [
        *against_expected(sidekick, expected(EXPECTED.read_text())),
        *against_published(sidekick),
        *against_rivals(sidekick, rivals),
    ]


def expected(text: str) -> set[str]:
    """The ids in the list of known failures; each must have a reason."""
    ids = set()
    for line in text.splitlines():
        name, _, reason = (part.strip() for part in line.partition("#"))
        if name and not reason:
            raise ValueError(f"{EXPECTED.name}: {name} has no reason")
        if name:
            ids.add(name)
    return ids


def against_expected(tests: Tests, known: set[str]) -> list[str]:
    """Failures that are not known, and known ones that are none."""
    now = {test.id for test in failed(tests, "required")}
    new, gone = sorted(now - known), sorted(known - now)
    faults = [f"{name}: does not fail, delete its line in {EXPECTED.name}" for name in gone]
    if new:
        faults.append(f"{len(new)} required tests fail that are not in {EXPECTED.name}")
    return faults


def against_published(tests: Tests) -> list[str]:
    """Too few tests passed to be the best published proxy."""
    least = {"required": MORE_REQUIRED_THAN, "optimal": MORE_OPTIMAL_THAN}
    passed = {kind: count(tests, kind)[0] for kind in least}
    return [
        f"{passed[kind]} {kind} tests passed, of the best published proxy {best}"
        for kind, best in least.items()
        if passed[kind] <= best
    ]


def against_rivals(tests: Tests, rivals: dict[str, Tests]) -> list[str]:
    """No more required tests passed than of a rival in the same run."""
    own, _ = count(tests, "required")
    theirs = {name: count(of_rival, "required")[0] for name, of_rival in rivals.items()}
    return [
        f"{own} required tests passed, of {name} {passed}"
        for name, passed in theirs.items()
        if own <= passed
    ]
