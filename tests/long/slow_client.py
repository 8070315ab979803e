"""How much memory a server takes while a file of 1 GiB goes to a client that reads slowly.

python -m tests.long.slow_client [--seconds 6]
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import processes, trees
from benchmarks.browser import Get
from benchmarks.contenders import OURS, LeftOut, NotInstalled
from benchmarks.load import read_answer
from benchmarks.processes import Launch
from tests.support.launch import HOST, Launched, free_port

from .resident import resident

LIMIT = 2.0
"""MiB that a server with our middleware may grow by."""

Launcher = Callable[[str, Path, int], Launch]

SERVERS: tuple[tuple[str, Launcher, tuple[str, ...]], ...] = (
    ("uvicorn", processes.uvicorn, (OURS, "Starlette")),
    ("gunicorn", processes.gunicorn, (OURS, "WhiteNoise")),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.long.slow_client", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    seconds = parser.parse_args().seconds
    is_exceeded = False
    with tempfile.TemporaryDirectory(prefix="slow-client-") as temporary:
        root = _site(Path(temporary))
        for server, launcher, names in SERVERS:
            for name in names:
                growth = _growth_or_none(launcher, name, root, seconds)
                if growth is not None:
                    print(f"{server:10}{name:12}{growth:8.3f} MiB", flush=True)
                    is_exceeded = is_exceeded or (name == OURS and growth > LIMIT)
    if is_exceeded:
        raise SystemExit(f"{OURS} takes more than {LIMIT} MiB")


def _site(root: Path) -> Path:
    """A sparse file of 1 GiB, and one of 4 MiB to warm up a server with."""
    (root / trees.FOLDER).mkdir()
    for name, size in (("huge.bin", 1024 * trees.MB), ("warm.bin", 4 * trees.MB)):
        with open(root / trees.FOLDER / name, "wb") as file:
            file.truncate(size)
    return root


def _growth_or_none(launcher: Launcher, name: str, root: Path, seconds: float) -> float | None:
    """MiB, or None for a peer that is not installed or can't do it."""
    try:
        return _growth(launcher, name, root, seconds)
    except (NotInstalled, LeftOut):
        if name == OURS:
            raise
        return None


def _growth(launcher: Launcher, name: str, root: Path, seconds: float) -> float:
    """MiB that the server's processes grow by, at most, over what they had before."""
    port = free_port()
    with processes.running(launcher(name, root, port), port, root / "log") as server:
        for _ in range(3):
            _read_whole(server, trees.url("warm.bin"))
        before = resident(server.process.pid)
        most = _read_slowly(server, trees.url("huge.bin"), seconds)
    return max(0.0, most - before) / 1024


def _read_whole(server: Launched, path: str) -> None:
    with socket.create_connection((HOST, server.port), 10) as connection:
        connection.sendall(Get(path).text())
        read_answer(connection)


def _read_slowly(server: Launched, path: str, seconds: float) -> int:
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


if __name__ == "__main__":
    main()
