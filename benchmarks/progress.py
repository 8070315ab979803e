"""How far it is: a bar on a terminal, else a line for each step."""

from __future__ import annotations

import sys
import time

WIDTH = 24


class Progress:
    def __init__(self, steps: int) -> None:
        self._steps, self._done = steps, 0
        self._start = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def step(self, title: str) -> None:
        """A step begins."""
        self._write(title)
        self._done += 1

    def finish(self) -> None:
        self._write("done")
        if self._is_terminal:
            sys.stderr.write("\n")

    def _write(self, title: str) -> None:
        seconds = time.monotonic() - self._start
        if self._is_terminal:
            done = min(WIDTH, WIDTH * self._done // max(1, self._steps))
            bar = "█" * done + "·" * (WIDTH - done)
            sys.stderr.write(f"\r\x1b[2K{bar} {seconds:4.0f} s  {title}"[:100])
        else:
            sys.stderr.write(f"[{self._done}/{self._steps}, {seconds:.0f} s] {title}\n")
        sys.stderr.flush()
