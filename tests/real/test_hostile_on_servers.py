"""The hostile corpus and what grows from it, sent raw to real servers of both doors."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.cases import site
from tests.promises import test_hostile
from tests.promises.test_hostile import HONEST, check_body
from tests.support.doors import Answer
from tests.support.hostile import FIELDS, SECRET, TARGETS, lines_from
from tests.support.servers import Server, free_port, serve
from tests.support.stand import MODES, SERVERS
from tests.support.wire import Lines, Wire

GROWN = sorted(set().union(*test_hostile.GROWN.values()))
LINES = [[line] for line in FIELDS]
LINES += [line for field in FIELDS for line in lines_from(*field).values()][::5]
REFUSED = (400, 404, 414, 431)
"""What a server answers by itself; 404 is ours as well."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site.make(tmp_path_factory.mktemp("hostile")) / site.ALL


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """It prints no traceback until its end, or the last test fails."""
    command = ("-m", "tests.support.stand", request.param, root, str(free_port()))
    with serve(*command, logs=tmp_path_factory.mktemp("logs")) as server:
        yield server


@pytest.fixture
def wire(server: Server, mode: str) -> Iterator[Wire]:
    """A connection to it, on which every answer is the request's, as the last one shows."""
    wire = Wire(server.address, mode, timeout=5)
    yield wire
    answer = wire.ask("GET", "/t.txt")
    assert (answer.status, answer.body) == (200, b"0123456789")
    wire.close()


def ask(wire: Wire, target: str, lines: Lines = ()) -> Answer | None:
    """The answer, within 5 s; None: the server hung up without one."""
    try:
        return wire.ask("GET", target, lines)
    except (ConnectionError, HTTPException):
        wire.close()
        return None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("targets", [TARGETS, GROWN[::4]], ids=["corpus", "grown"])
def test_a_hostile_target_gets_a_plain_answer_on_a_real_server(
    targets: list[str], wire: Wire
) -> None:
    for target in targets:
        answer = ask(wire, target)
        if answer and answer.status == 200:
            assert answer.body in HONEST, target
        elif answer and answer.status == 307:
            assert answer["location"].startswith("./"), target
        elif answer:
            assert answer.status in REFUSED, target
            assert SECRET not in answer.body


@pytest.mark.parametrize("mode", MODES)
def test_a_hostile_field_gets_a_plain_answer_on_a_real_server(wire: Wire) -> None:
    for lines in LINES:
        answer = ask(wire, "/app.js", lines)
        if answer and answer.status not in REFUSED:
            assert answer.status in (200, 206, 304, 412, 416), lines
            check_body("/app.js", answer)
