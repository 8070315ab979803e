"""`python -m tests.soak [--seconds 600]`: every server under load, while a deploy goes on.

It ends with a table, and with exit status 1 if anything was wrong: a byte, a tag, a status of 500
or more, an answer cut short, a file left open, threads or memory that only grow, a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.hostile import SECRET
from tests.support.servers import Server, children, eventually, free_port, serve
from tests.support.stand import MODES, SERVERS

from .load import Client, Tally
from .site import NAMES, Deploy

REFRESH = 1.0
CALM = 3 * REFRESH + 2
"""Seconds after the last change until every index has it, and what is remembered is settled."""

CLIENTS = 3
"""In each mode of each server."""

GROWTH = {"descriptors": 8, "threads": 48, "MiB": 96}
"""What a process may have more at the end: pools fill up and memory is kept, within bounds."""

SERVED = ("200", "206", "304", "HEAD", "307")
REFUSED = ("400", "404", "405", "412", "416", "hung up")
COLUMNS = ("asked", *SERVED, *REFUSED, "left by the client", "dropped", "5xx", "wrong", "left open")


@dataclass
class Stand:
    """A server under load, and how much it held at the start."""

    name: str
    server: Server
    tally: Tally = field(default_factory=Tally)
    clients: list[Client] = field(default_factory=list)
    start: dict[str, int] = field(default_factory=dict)

    def processes(self) -> list[int]:
        return [self.server.pid, *children(self.server.pid)]

    def held(self) -> dict[str, int]:
        """What its processes hold, as Linux tells it."""
        held = dict.fromkeys(GROWTH, 0)
        for process in self.processes():
            status = Path(f"/proc/{process}/status").read_text()
            lines = dict(line.split(":", 1) for line in status.splitlines())
            held["descriptors"] += len(os.listdir(f"/proc/{process}/fd"))
            held["threads"] += int(lines["Threads"])
            held["MiB"] += int(lines["VmRSS"].split()[0]) // 1024
        return held

    def left_open(self, site: Path) -> list[str]:
        """Files of the site that are open; the directories that an index is pinned to are not."""
        paths = [path for path in self.server.open_files() if path.startswith(str(site))]
        return [path for path in paths if "." in path.rpartition("/")[2]]


@contextlib.contextmanager
def standing(names: list[str], base: Path) -> Iterator[list[Stand]]:
    os.environ["REFRESH"] = str(REFRESH)
    with contextlib.ExitStack() as stack:
        stands = []
        for name in names:
            logs = base / name
            logs.mkdir()
            command = ("-m", "tests.support.stand", name, base / "site" / "www", str(free_port()))
            server = stack.enter_context(serve(*command, logs=logs, calm=False))
            stands.append(Stand(name, server))
        yield stands


def load(
    stands: list[Stand], deploy: Deploy, tags: dict[str, tuple[str, int]], seconds: float
) -> None:
    """Let the clients ask, and the deploy change the site, for so many seconds."""
    for stand in stands:
        for mode in MODES * CLIENTS:
            client = Client(stand.server.address, mode, deploy, tags, len(stand.clients))
            stand.clients.append(client)
            client.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        deploy.step()
    for client in (client for stand in stands for client in stand.clients):
        client.stopped = True
    for stand in stands:
        for client in stand.clients:
            client.join(60)
            stand.tally += client.tally


def check_all(stand: Stand, deploy: Deploy, tags: dict[str, tuple[str, int]]) -> None:
    """Each file in each mode is the last that was deployed; the second time from memory."""
    for mode in MODES * 2:
        client = Client(stand.server.address, mode, deploy, tags, 0)
        for name in NAMES:
            answer = client.send("GET", f"/{name}")
            told = client.read(name, answer, answer["etag"]) if answer.status == 200 else None
            if told != (name, deploy.floors[name]):
                client.wrong(f"{name}: {answer.status} {told}, not {deploy.floors[name]}, at rest")
        client.wire.close()
        stand.tally += client.tally


def settle(stand: Stand, site: Path) -> dict[str, int]:
    """What a server holds when all is done; what it shouldn't hold, or said, is wrong."""
    with contextlib.suppress(AssertionError):
        eventually(lambda: not stand.left_open(site), 10)
    end, wrong = stand.held(), stand.tally.wrong
    left = stand.left_open(site)
    stand.tally.counts["left open"] = len(left)
    wrong += [f"left open: {path}" for path in left]
    wrong += [
        f"{end[what]} {what}, from {stand.start[what]} at the start"
        for what, growth in GROWTH.items()
        if end[what] > stand.start[what] + growth * len(stand.processes())
    ]
    if "Traceback" in stand.server.words():
        wrong.append(stand.server.words()[-3000:])
    return end


def table(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def report(stands: list[Stand], site: Path) -> int:
    """Print the table, and what was wrong; how much that was."""
    columns = [["server", *COLUMNS, *GROWTH]]
    for stand in stands:
        end, counts = settle(stand, site), stand.tally.counts
        counts["5xx"] = sum(number for status, number in counts.items() if status[0] == "5")
        counts["wrong"] = len(stand.tally.wrong)
        held = [f"{stand.start[what]} > {end[what]}" for what in GROWTH]
        columns.append([stand.name, *(str(counts[column]) for column in COLUMNS), *held])
    print(table([list(row) for row in zip(*columns, strict=True)]))
    for stand in stands:
        for what in stand.tally.wrong[:20]:
            print(f"{stand.name}: {what}")
    return sum(len(stand.tally.wrong) for stand in stands)


def run(names: list[str], seconds: float, base: Path) -> int:
    (base / "outside").mkdir()
    (base / "outside" / "secret.txt").write_bytes(SECRET)
    (base / "site").mkdir()
    deploy = Deploy(base / "site", seed=1)
    tags: dict[str, tuple[str, int]] = {}
    with standing(names, base) as stands:
        for stand in stands:
            check_all(stand, deploy, tags)
            stand.start = stand.held()
        load(stands, deploy, tags, seconds)
        time.sleep(CALM)
        for stand in stands:
            check_all(stand, deploy, tags)
        changes = ", ".join(f"{number} {what}" for what, number in deploy.changes.items())
        print(f"{seconds:g} s; {changes}")
        return report(stands, base / "site")


def main() -> None:
    parser = argparse.ArgumentParser("tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=SERVERS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = run(list(options.servers), options.seconds, Path(folder).resolve())
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
