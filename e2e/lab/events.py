"""What happens to the servers: who is harmed when, how, for how long; at least one stays well."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.fleet import SITES, Fleet, Server

# A healed server counts as well when sidekick has called it up for so long without a break.
SETTLING = 2.5
# Sidekick must have found a healed server within this time.
PATIENCE = 20.0
POLL = 0.25


@dataclass(frozen=True)
class Kind:
    """A way to harm a server and to heal it, and the shortest and longest time between."""

    name: str
    harm: Callable[[Server], None]
    heal: Callable[[Server], None]
    hold: tuple[float, float]


KILL = Kind("killed", Server.kill, Server.start, (0.5, 10))
FREEZE = Kind("frozen", Server.freeze, Server.thaw, (3, 20))
TERMINATE = Kind("terminated", Server.terminate, Server.start_after_end, (1, 6))
ROLL = Kind("restarted in turn", Server.terminate, Server.start_after_end, (0.5, 1.5))


def cut(name: str, *directions: str) -> Kind:
    """A kind that loses packets."""
    return Kind(
        name,
        lambda server: server.cut(directions),
        lambda server: server.mend(directions),
        (3, 20),
    )


CUT = cut("cut off", "to", "from")
DEAF = cut("no packet reaches it", "to")
DUMB = cut("no packet leaves it", "from")


@dataclass
class Event:
    """What happened to some servers, in seconds of the monotonic clock."""

    name: str
    servers: list[Server]
    began: float
    healed: float | None = None
    # When sidekick was seen to use all of them again.
    settled: float | None = None

    def covers(self, endpoint: str | None, began: float, ended: float) -> bool:
        """Whether it can have harmed a request: to a server of it, in its time."""
        hit = endpoint is None or endpoint in {server.endpoint for server in self.servers}
        return hit and self.began <= ended and began <= (self.settled or float("inf"))


@dataclass
class Chaos:
    """The one who harms. Runs in the main thread, whose end the servers would not survive."""

    fleet: Fleet
    random: random.Random
    # Which endpoints sidekick calls up, or None when it does not answer.
    ask_up: Callable[[], set[str] | None]
    tell: Callable[[str], None]
    events: list[Event] = field(default_factory=list)
    harmed: set[int] = field(default_factory=set)
    running: set[asyncio.Task] = field(default_factory=set)
    deck: list[Callable[[], bool]] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """Let things happen for so long, then wait until all servers are well."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(self.random.uniform(2, 5))
            self.deal()
            self.raise_failures()
        while self.running:
            await asyncio.wait(set(self.running))
            self.raise_failures()

    def raise_failures(self) -> None:
        """An event that could not be carried out ends the run."""
        for task in [task for task in self.running if task.done()]:
            self.running.discard(task)
            task.result()

    def deal(self) -> None:
        """The first card of the deck that can be played now; all are played before any again.

        The rolling restart wants everybody well: when its turn has come, the others wait.
        """
        if not self.deck:
            self.deck = self.shuffled(first=not self.events)
        for card in self.deck:
            if card():
                self.deck.remove(card)
                return
            if card == self.roll:
                return

    def shuffled(self, first: bool) -> list[Callable[[], bool]]:
        """A deck. The first one begins with what needs many, for a short run's sake."""
        few, many = self.cards()
        ahead = many if first else []
        rest = few if first else few + many
        self.random.shuffle(rest)
        return [*ahead, *rest]

    def cards(self) -> tuple[list[Callable[[], bool]], list[Callable[[], bool]]]:
        """One card for each thing that can happen, to some servers and to all of a site or more; a
        card tells whether it could be played."""
        kinds = [KILL, KILL, FREEZE, FREEZE, TERMINATE]
        whole = [KILL, FREEZE, TERMINATE]
        if self.fleet.network is not None:
            kinds += [CUT, CUT, DEAF, DUMB]
            whole += [CUT]
        single = [self.card(kind, self.one) for kind in kinds]
        double = [self.card(kind, self.two) for kind in (KILL, FREEZE)]
        sites = [self.card(kind, self.whole_site) for kind in self.random.sample(whole, 2)]
        return [*single, *double], [*sites, self.roll]

    def card(self, kind: Kind, choose: Callable[[], list[Server]]) -> Callable[[], bool]:
        """A card that harms whom `choose` finds, if anybody is left well then."""

        def play() -> bool:
            servers = choose()
            if not servers or len(self.well()) - len(servers) < 1:
                return False
            self.spawn(self.strike(kind, servers))
            return True

        return play

    def spawn(self, happening) -> None:
        """Let something happen beside everything else; what is harmed is marked at once."""
        self.running.add(asyncio.get_running_loop().create_task(happening))

    def well(self) -> list[Server]:
        """The servers that nothing is happening to."""
        return [server for server in self.fleet.servers if server.number not in self.harmed]

    def one(self) -> list[Server]:
        """Any server that is well, rather of the first site: that is where the requests are."""
        well = self.well()
        first = [server for server in well if server.site == 1]
        return [self.random.choice(first if first and self.random.random() < 0.7 else well)]

    def two(self) -> list[Server]:
        """Any two servers that are well."""
        well = self.well()
        return self.random.sample(well, 2) if len(well) > 2 else []

    def whole_site(self) -> list[Server]:
        """All of a site that is well, rather the first one."""
        number = 1 if self.random.random() < 0.7 else SITES
        site = self.fleet.site(number)
        return site if all(server in self.well() for server in site) else []

    async def strike(self, kind: Kind, servers: list[Server]) -> None:
        """Harm servers at one moment, heal them at another, and wait until they are used."""
        self.harmed |= {server.number for server in servers}
        event = Event(kind.name, servers, time.monotonic())
        self.events.append(event)
        hold = self.random.uniform(*kind.hold)
        self.tell(f"{self.names(servers)} {kind.name} for {hold:.1f} s")
        for server in servers:
            kind.harm(server)
        await asyncio.sleep(hold)
        for server in servers:
            kind.heal(server)
        event.healed = time.monotonic()
        await self.settle(event)
        self.harmed -= {server.number for server in servers}

    def names(self, servers: list[Server]) -> str:
        """How the log names them."""
        if len(servers) == len(self.fleet.site(1)):
            return f"site {servers[0].site}"
        return "server " + " and ".join(str(server) for server in servers)

    async def settle(self, event: Event) -> None:
        """Wait until sidekick has called the servers up for a while, and they do serve."""
        wanted = {server.endpoint for server in event.servers}
        since = serves_since = None
        while since is None or time.monotonic() - since < SETTLING:
            await asyncio.sleep(POLL)
            serving = [await asyncio.to_thread(server.answers) for server in event.servers]
            up = await asyncio.to_thread(self.ask_up)
            good = all(serving) and up is not None and wanted <= up
            since = (since or time.monotonic()) if good else None
            serves_since = (serves_since or time.monotonic()) if all(serving) else None
            if since is None and time.monotonic() - (serves_since or time.monotonic()) > PATIENCE:
                self.overdue.append(
                    f"{self.names(event.servers)} ({event.name}): serves again for"
                    f" {PATIENCE:.0f} s, but sidekick does not use it"
                )
                break
        event.settled = time.monotonic()
        assert event.healed is not None
        self.tell(f"{self.names(event.servers)} back after {event.settled - event.healed:.1f} s")

    def roll(self) -> bool:
        """A rolling restart, when everybody is well."""
        if self.harmed:
            return False
        self.spawn(self.roll_all())
        return True

    async def roll_all(self) -> None:
        """Terminate and start each server in turn; the next one when the last one is back."""
        for server in self.fleet.servers:
            while server.number in self.harmed or len(self.well()) < 2:
                await asyncio.sleep(POLL)
            await self.strike(ROLL, [server])
