"""Starts programs that listen on the loopback, and ends them: those of the benchmarks, too.

Only the processes started here are ended, by their id.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
STARTED_WITHIN = 60


class Program(subprocess.Popen[bytes]):
    """A program of its own, with the manners of a process that is forked."""

    @property
    def exitcode(self) -> int | None:
        return self.poll()

    def join(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(seconds)


@dataclass
class Launched:
    """A process that serves at `url`; `log` is the file that holds its standard error."""

    process: BaseProcess | Program
    url: str
    log: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    @property
    def port(self) -> int:
        return self.address[1]

    def words(self) -> str:
        return f"--- standard error of the server ---\n{self.log.read_text(errors='replace')}"

    def wait(self) -> None:
        """Until it listens."""
        eventually(self.listens, STARTED_WITHIN, self.words)

    def listens(self) -> bool:
        assert self.process.exitcode is None, f"it ended at once\n{self.words()}"
        with suppress(OSError), socket.create_connection(self.address, timeout=1):
            return True
        return False

    def end(self) -> None:
        self.process.terminate()
        self.process.join(10)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join(10)


def start(
    command: Sequence[str | Path], port: int, log: Path, more: dict[str, str] | None = None
) -> Launched:
    """Start a program that will listen on a port, with `more` in its environment."""
    with open(log, "wb") as file:
        process = Program(
            command,
            env=environment() | (more or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    return Launched(process, f"http://{HOST}:{port}/", log)


def environment() -> dict[str, str]:
    """Ours, with the package of this tree first on the path."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def free_port() -> int:
    """One below those that Linux gives to clients, who could take it before the server does."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, random.randrange(10_000, 32_768)))
            return int(probe.getsockname()[1])


def eventually(
    condition: Callable[[], object], within: float, words: Callable[[], str] = str
) -> None:
    """Wait until the condition holds, so many seconds at most."""
    limit = time.monotonic() + within
    while not condition():
        assert time.monotonic() < limit, f"not within {within} s\n{words()}"
        time.sleep(0.02)
