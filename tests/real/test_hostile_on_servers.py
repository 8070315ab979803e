"""The hostile corpus and what grows from it, sent raw to real servers of both doors."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException

import pytest

from tests.cases import site
from tests.promises.test_hostile import HONEST, check_body
from tests.support.doors import Answer
from tests.support.hostile import FIELDS, SECRET, TARGETS, lines_from, targets_from
from tests.support.servers import Server, free_port, serve
from tests.support.stand import MODES, SERVERS
from tests.support.wire import Lines, Wire

GROWN = sorted({new for target in TARGETS for new in targets_from(target).values()} - set(TARGETS))
LINES = [[line] for line in FIELDS]
LINES += [line for field in FIELDS for line in lines_from(*field).values()][::5]
REFUSED = (400, 404, 414, 431)
"""What a server answers by itself; 404 is ours as well."""


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """It prints no traceback until its end, or the last test fails."""
    root, logs = site.make(tmp_path_factory.mktemp("hostile")), tmp_path_factory.mktemp("logs")
    command = ("-m", "tests.support.stand", request.param, root / site.ALL, str(free_port()))
    with serve(*command, logs=logs) as server:
        yield server


def ask(server: Server, mode: str, target: str, lines: Lines = ()) -> Answer | None:
    """The answer, within 5 s, on a connection of its own; None: the server hung up without one."""
    wire = Wire(server.address, mode, timeout=5)
    try:
        return wire.ask("GET", target, lines)
    except (ConnectionError, HTTPException):
        return None
    finally:
        wire.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("targets", [TARGETS, GROWN[::4]], ids=["corpus", "grown"])
def test_a_hostile_target_gets_a_plain_answer_on_a_real_server(
    targets: list[str], mode: str, server: Server
) -> None:
    for target in targets:
        answer = ask(server, mode, target)
        if answer and answer.status == 200:
            assert answer.body in HONEST, target
        elif answer and answer.status == 307:
            assert answer["location"].startswith("./"), target
        elif answer:
            assert answer.status in REFUSED, target
            assert SECRET not in answer.body
    check_alive(server, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_hostile_field_gets_a_plain_answer_on_a_real_server(mode: str, server: Server) -> None:
    for lines in LINES:
        answer = ask(server, mode, "/app.js", lines)
        if answer and answer.status not in REFUSED:
            assert answer.status in (200, 206, 304, 412, 416), lines
            check_body("/app.js", answer)
    check_alive(server, mode)


def check_alive(server: Server, mode: str) -> None:
    answer = ask(server, mode, "/t.txt")
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"0123456789")
