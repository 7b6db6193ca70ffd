"""A network in which a server can be cut off: what is sent to it is lost, not refused.

    sidekick, clients ──── router ──┬── server 1 ──┐
    and the store                   ├── server 2 ──┤  a second link of each server to the store,
          │                         └── server 6 ──┤  which is never cut
          └────────────────────────────────────────┘

Each server and the router have a network namespace of their own. A process that does nothing holds
the namespace, so that it is gone with that process, and so is everything in it. The router drops
what passes through it without a word, as a broken switch would: neither side sees its link go.
The run itself is expected to be in a namespace of its own, too: the addresses are fixed.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.process import Process, wait_until

HOME = "10.77.255.1"
ROUTER = "10.77.255.2"
STORE = "10.78.0.1"


class Network:
    """The router, and a place for each server."""

    def __init__(self, work: Path, count: int, note: Callable[[Process], None]):
        self.router = hold("router", work, note)
        self.places = [hold(f"place {number}", work, note) for number in range(1, count + 1)]
        run("ip", "link", "set", "lo", "up")
        link(None, "router", HOME, self.router, "home", ROUTER)
        inside(self.router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for number, place in enumerate(self.places, start=1):
            self.connect(number, place)

    def connect(self, number: int, place: Process) -> None:
        """Link a server's namespace to the router and to the store."""
        gate = f"10.77.254.{number}"
        link(self.router, f"server{number}", gate, place, "front", self.address(number))
        link(None, f"store{number}", STORE, place, "back", self.back(number))
        inside(place, "ip", "link", "set", "lo", "up")
        inside(place, "ip", "route", "add", HOME, "via", gate)
        run("ip", "route", "add", self.address(number), "via", ROUTER)

    def address(self, number: int) -> str:
        """The address at which sidekick finds server `number`, counted from 1."""
        return f"10.77.0.{number}"

    def back(self, number: int) -> str:
        """The address of server `number` as the store sees it."""
        return f"10.78.0.{number + 1}"

    def prefix(self, number: int) -> list[str]:
        """What to put before a command line so that it runs at the place of server `number`."""
        return nsenter(self.places[number - 1])

    def cut(self, number: int, directions: tuple[str, ...]) -> None:
        """Lose all packets `to` a server, `from` it, or both."""
        for direction in directions:
            rule = ("ip", "rule", "add", direction, self.address(number), "blackhole")
            inside(self.router, *rule)

    def mend(self, number: int, directions: tuple[str, ...]) -> None:
        """Undo a cut."""
        for direction in directions:
            rule = ("ip", "rule", "del", direction, self.address(number), "blackhole")
            inside(self.router, *rule)


def hold(name: str, work: Path, note: Callable[[Process], None]) -> Process:
    """A process that holds a new network namespace."""
    log = work / f"{name.replace(' ', '-')}.log"
    holder = Process(name, ["unshare", "--net", "--", "sleep", "infinity"], log)
    note(holder)
    holder.start()
    # `unshare` becomes `sleep` when the namespace is there.
    command = Path(f"/proc/{holder.pid}/comm")
    wait_until(lambda: command.read_text().strip() == "sleep", f"the namespace of {name}")
    return holder


def link(
    near: Process | None, near_name: str, near_ip: str, far: Process, far_name: str, far_ip: str
) -> None:
    """A cable between two namespaces; `None` is our own."""
    pair = ("type", "veth", "peer", "name", far_name, "netns", str(far.pid))
    anywhere(near, "ip", "link", "add", "name", near_name, *pair)
    anywhere(near, "ip", "address", "add", near_ip, "peer", far_ip, "dev", near_name)
    anywhere(near, "ip", "link", "set", near_name, "up")
    inside(far, "ip", "address", "add", far_ip, "peer", near_ip, "dev", far_name)
    inside(far, "ip", "link", "set", far_name, "up")


def anywhere(place: Process | None, *argv: str) -> None:
    """Run a command in a namespace or in our own."""
    run(*argv) if place is None else inside(place, *argv)


def inside(place: Process, *argv: str) -> None:
    """Run a command in the namespace that a process holds."""
    run(*nsenter(place), *argv)


def nsenter(place: Process) -> list[str]:
    """The command line that enters a held namespace."""
    return ["nsenter", f"--net=/proc/{place.pid}/ns/net", "--"]


def run(*argv: str) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr.decode().strip()}"
