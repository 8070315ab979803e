"""What a test starts hears the signals that end a command, whoever runs the tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

ENDS = {signal.SIGINT: signal.default_int_handler}
if hasattr(signal, "SIGHUP"):
    ENDS[signal.SIGHUP] = signal.SIG_DFL


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """A shell ignores the one of what it starts in the background, `nohup` the other."""
    ignored = [number for number in ENDS if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, ENDS[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
