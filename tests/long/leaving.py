"""Clients that leave in the middle of a large file: what is still open, what was read for nobody.

python -m tests.long.leaving [--clients 10000]
"""

from __future__ import annotations

import argparse
import os
import random
import re
import socket
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import processes, trees
from benchmarks.browser import Get
from benchmarks.contenders import ASGI, OURS, WSGI
from benchmarks.processes import Launch
from tests.support.launch import HOST, Launched, free_port

SIZE = 100 * trees.MB
NAME = "hundred.bin"
AT_ONCE = 16
MOST_READ = 2 * trees.MB
"""A client leaves before so many bytes."""

SERVERS: dict[str, Callable[[Path, int], Launch]] = {
    "uvicorn": lambda root, port: processes.uvicorn(OURS, root, port),
    "Granian, ASGI": lambda root, port: processes.granian(ASGI, OURS, root, port),
    "Granian, WSGI": lambda root, port: processes.granian(WSGI, OURS, root, port),
    "gunicorn": lambda root, port: processes.gunicorn(OURS, root, port),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.long.leaving", description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    clients = parser.parse_args().clients
    print(f"{clients} clients leave in the middle of {SIZE / trees.MB:.0f} MiB")
    print(f"{'':14}{'received':>12}{'sent':>12}{'read':>12}  read/sent  files left open")
    with tempfile.TemporaryDirectory(prefix="leaving-") as temporary:
        root = Path(temporary)
        (root / trees.FOLDER).mkdir()
        (root / trees.FOLDER / NAME).write_bytes(random.Random(1).randbytes(trees.MB) * 100)
        for name, launcher in SERVERS.items():
            port = free_port()
            with processes.running(launcher(root, port), port, root / "log") as server:
                print(f"{name:14}{_measure(server, clients)}", flush=True)


def _measure(server: Launched, clients: int) -> str:
    before = _bytes_of(server)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        received = sum(pool.map(lambda number: _leave(server.port, number), range(clients)))
    still_open = _still_open(server)
    read, written = (now - then for now, then in zip(_bytes_of(server), before, strict=True))
    amounts = "".join(f"{amount / trees.MB:8,.0f} MiB" for amount in (received, written, read))
    return f"{amounts}  {read / max(written, 1):9.2f}  {still_open}"


def _leave(port: int, number: int) -> int:
    """Read a while, and go without a word."""
    wanted, got = random.Random(number).randrange(MOST_READ), 0
    with socket.create_connection((HOST, port), 30) as client:
        client.sendall(Get(trees.url(NAME)).text())
        while got <= wanted and (data := client.recv(1 << 16)):
            got += len(data)
    return got


def _still_open(server: Launched) -> int:
    """Files open after the last client left: counted again for a while, as some still close."""
    for _ in range(100):
        if not (left := sum(_open_files(pid).count(NAME) for pid in _family(server))):
            return 0
        time.sleep(0.1)
    return left


def _open_files(pid: int) -> list[str]:
    folder = Path(f"/proc/{pid}/fd")
    return [Path(os.readlink(link)).name for link in folder.iterdir() if link.is_symlink()]


def _family(server: Launched) -> list[int]:
    """The server's process, and the workers that it began."""
    pid = server.process.pid
    begun = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, begun)]


def _bytes_of(server: Launched) -> tuple[int, int]:
    """What its processes have read and written by now, sockets included."""
    texts = [Path(f"/proc/{pid}/io").read_text() for pid in _family(server)]
    counts = [re.findall(r"^(?:rchar|wchar): (\d+)", text, re.MULTILINE) for text in texts]
    return sum(int(read) for read, _ in counts), sum(int(written) for _, written in counts)


if __name__ == "__main__":
    main()
