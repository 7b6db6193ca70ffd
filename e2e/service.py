"""What a service manager does for sidekick: hands it a listening socket, and hears how it is."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from harness.process import fetch_text, status_of, wait_until

# Descriptor 3 is the first that sd_listen_fds(3) names; LISTEN_PID names the process that is meant,
# which only that process knows before it becomes the program.
LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


def socket_is_taken_over_and_readiness_told(binary: str, backend: str, work: Path) -> str:
    """Run sidekick on a socket that is already listening, with somebody to notify."""
    told = work / "notify"
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(str(told))
        manager.settimeout(10)
        port = listener.getsockname()[1]
        child = subprocess.Popen(
            # An address that could not be listened on: the socket must come from us.
            [
                *(sys.executable, "-c", LAUNCHER, str(listener.fileno()), binary),
                *("--address", "192.0.2.1:1", "--quiet", "--health-path", "/healthz", backend),
            ],
            env=os.environ | {"LISTEN_FDS": "1", "NOTIFY_SOCKET": str(told)},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert b"READY=1" in manager.recv(1024), "readiness was not told"
            wait_until(lambda: status_of(port, "/v1/health") == 200, "the socket to be served")
            assert "sidekick_requests_total" in fetch_text(port, "/.prometheus/metrics")
            child.send_signal(signal.SIGTERM)
            assert b"STOPPING=1" in manager.recv(1024), "the end was not told"
            code = child.wait(15)
            assert code == 0, f"sidekick ended with {code}"
        finally:
            child.kill()
            child.wait()
    return "served on a socket handed over; READY and STOPPING heard"
