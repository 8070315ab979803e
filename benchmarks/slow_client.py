"""How much memory a server takes while a file of 1 GiB goes to a client that reads slowly."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import processes, trees
from .browser import Get
from .contenders import ASGI, OURS, WSGI, LeftOut, NotInstalled
from .load import read_answer
from .plan import Plan
from .processes import HOST, Launch, Running
from .progress import Progress
from .resident import resident
from .results import MIB, Results, Row

Launcher = Callable[[str, Path, int], Launch]

SERVERS: tuple[tuple[str, str, Launcher, tuple[str, ...]], ...] = (
    ("uvicorn", ASGI, processes.uvicorn, (OURS, "Starlette")),
    ("gunicorn", WSGI, processes.gunicorn, (OURS, "WhiteNoise")),
)


def measure(scratch: Path, plan: Plan, results: Results, progress: Progress) -> None:
    progress.step(f"memory: 1 GiB to a slow client, {plan.slow:.0f} s")
    site = trees.make_huge(scratch / "huge")
    with ThreadPoolExecutor(4) as pool:
        for server, _, launcher, names in SERVERS:
            growths = {}
            for name in names:
                log = scratch / f"huge-{server}-{name}.log"
                growths[name] = pool.submit(_growth, launcher, name, site, log, plan.slow)
            samples = _samples(server, growths, results)
            title = f"memory, 1 GiB to a slow client, {server}"
            results.rows.append(Row(f"memory/{server}", title, MIB, samples))


def steps() -> int:
    return 1


def _samples(
    server: str, growths: dict[str, Future[float]], results: Results
) -> dict[str, list[float]]:
    samples = {}
    for name, growth in growths.items():
        try:
            samples[name] = [growth.result()]
        except NotInstalled:
            continue
        except LeftOut as reason:
            results.leave_out(f"{name} on {server} ({reason})")
    return samples


def _growth(launcher: Launcher, name: str, site: Path, log: Path, seconds: float) -> float:
    """MiB that the server's processes grow by, at most, over what they had before."""
    port = processes.free_port()
    with processes.running(launcher(name, site, port), port, log) as server:
        for _ in range(3):
            _read_whole(server, trees.url("warm.bin"))
        before = resident(server.process.pid)
        most = _read_slowly(server, trees.url("huge.bin"), seconds)
    return max(0.0, most - before) / 1024


def _read_whole(server: Running, path: str) -> None:
    with socket.create_connection((HOST, server.port), 10) as connection:
        connection.sendall(Get(path).text())
        read_answer(connection)


def _read_slowly(server: Running, path: str, seconds: float) -> int:
    """The most memory seen meanwhile, in KiB."""
    most, end = 0, time.monotonic() + seconds
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.settimeout(10)
        connection.connect((HOST, server.port))
        connection.sendall(Get(path).text())
        while time.monotonic() < end:
            if not connection.recv(1 << 14):
                raise LeftOut("the server closed the connection")
            most = max(most, resident(server.process.pid))
            time.sleep(0.05)
    return most
