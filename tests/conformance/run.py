"""Each contender on its server, asked case by case."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from benchmarks import processes
from benchmarks.contenders import ASGI, WSGI, LeftOut, NotInstalled, version_of
from benchmarks.processes import Launch
from benchmarks.progress import Progress
from tests.cases.case import APP, WITHOUT_APP, Ask, Case
from tests.support.launch import HOST, Launched, free_port

from . import stand
from .client import NOT_ENDED, Answer, Request, send
from .judge import Answers, filled, verdict
from .programs import LAUNCHES
from .setups import PROGRAM, Contender

PASSED, FAILED, NOT_OFFERED, NOT_ASKED = "passed", "failed", "not offered", "not asked"
STARTS = "X415"
NO_START = "it doesn't start on this tree"
FACTORY = "tests.conformance.stand:make"

Reached = frozenset[tuple[str, int]]
"""Requests that a server hands on as they were sent: the case, and which of its requests."""


@dataclass(frozen=True)
class Outcome:
    verdict: str
    reason: str = ""


@dataclass
class Results:
    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    """By contender, by case."""
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """A request as it was sent, for who wants to see."""

    request: Request
    answer: Answer
    reason: str | None


def run(
    contenders: Sequence[Contender], cases: Sequence[Case], root: Path, scratch: Path
) -> Results:
    results, progress = Results(), Progress(len(contenders))
    kept: dict[str, Reached] = {}
    for contender in contenders:
        progress.step(contender.title)
        try:
            with Server(contender, root, scratch) as server:
                if contender.door != PROGRAM and contender.door not in kept:
                    kept[contender.door] = handed_on(server.address, cases)
                can = kept.get(contender.door)
                results.outcomes[contender.title] = server.answers(cases, can)
        except LeftOut as reason:
            results.left_out.append(f"{contender.title}: {reason}")
    progress.finish()
    return results


class Server:
    """A contender's server; one that got stuck is started again."""

    def __init__(self, contender: Contender, root: Path, scratch: Path) -> None:
        self.contender, self._root = contender, root
        self._scratch = scratch / contender.title.replace(" ", "-").replace(",", "")
        self._running: Launched | None = None
        self.address = (HOST, 0)

    def __enter__(self) -> Server:
        if self.contender.door != PROGRAM and version_of(self.contender.distribution) is None:
            raise NotInstalled("not installed")
        self._scratch.mkdir(exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.end()

    def start(self) -> None:
        if self._running:
            self._running.end()
        port = free_port()
        launch = _launch(self.contender, self._root, port, self._scratch)
        self._running = processes.start(launch, port, self._scratch / "log")
        processes.wait(self._running)
        self.address = (HOST, port)

    def answers(self, cases: Sequence[Case], can: Reached | None) -> dict[str, Outcome]:
        outcomes = {}
        for case in sorted(cases, key=lambda case: case.may_hang):
            asked = self.narrowed(case, can)
            if missing := sorted(case.needs - self.contender.offers):
                outcomes[case.id] = Outcome(NOT_OFFERED, ", ".join(missing))
            elif not asked.asks:
                outcomes[case.id] = Outcome(NOT_OFFERED, "dualstatic alone promises it")
            elif any(ask.wants and _is_changed(case, n, can) for n, ask in enumerate(case.asks)):
                outcomes[case.id] = Outcome(NOT_ASKED, "the server doesn't hand it on as it is")
            else:
                outcomes[case.id] = self.outcome(asked)
        return outcomes

    def narrowed(self, case: Case, can: Reached | None) -> Case:
        """The case without what is asked of dualstatic alone, or with what of it reaches us."""
        asks = tuple(
            ask
            for n, ask in enumerate(case.asks)
            if ask.wants
            or (self.contender.is_ours and not ask.here and not _is_changed(case, n, can))
        )
        return replace(case, asks=asks)

    def outcome(self, case: Case) -> Outcome:
        steps = list(self.steps(case))
        if any(step.answer.reason == NOT_ENDED for step in steps):
            self.start()
        reason = steps[-1].reason
        if steps[-1].answer.get(stand.NO_START):
            # That it starts is a case of its own.
            return Outcome(FAILED if case.id == STARTS else NOT_ASKED, NO_START)
        return Outcome(PASSED) if reason is None else Outcome(FAILED, reason)

    def steps(self, case: Case) -> Iterator[Step]:
        """Request by request, until one is answered wrongly."""
        earlier: Answers = {}
        is_ours = self.contender.is_ours and not case.any_target
        with ThreadPoolExecutor(8) as beside:
            for ask in case.asks:
                request = made(ask, case, earlier)
                if not ask.waits:
                    beside.submit(send, self.address, request)
                    continue
                answer = send(self.address, request)
                reason = verdict(ask, answer, earlier, self.has_app(request), is_ours)
                yield Step(request, answer, reason)
                if reason is not None:
                    return
                if ask.name:
                    earlier[ask.name] = answer

    def has_app(self, request: Request) -> bool:
        offers = APP in self.contender.offers
        return offers and self.contender.falls_through and request.host not in WITHOUT_APP


def made(ask: Ask, case: Case, earlier: Answers) -> Request:
    target = ask.target.encode("latin-1") if isinstance(ask.target, str) else ask.target
    lines = tuple((name, filled(value, earlier)) for name, value in ask.lines)
    host = ask.host or ask.setting or case.setting
    return Request(ask.method, target, host, lines, ask.version, ask.content, ask.most)


def _launch(contender: Contender, root: Path, port: int, scratch: Path) -> Launch:
    if contender.door == PROGRAM:
        return LAUNCHES[contender.name](root, port, scratch)
    environment = {
        stand.DOOR: contender.door,
        stand.NAME: contender.name,
        stand.ROOT: str(root),
        "TZ": "EST5EDT,M3.2.0,M11.1.0",  # dates are UTC wherever a server stands
    }
    return Launch(_command(contender.door, port), environment)


def _command(door: str, port: int) -> list[str]:
    server = {ASGI: "uvicorn", WSGI: "gunicorn"}[door]
    if version_of(server) is None:
        raise NotInstalled(f"{server} is not installed")
    base = processes.uvicorn if door == ASGI else processes.gunicorn
    command = [
        FACTORY if word == processes.FACTORY else word for word in base("", Path(), port).command
    ]
    if door == WSGI:
        command[-1] = f"{FACTORY}()"
        command[-1:-1] = ["--limit-request-line", "0"]
    return command


def handed_on(address: tuple[str, int], cases: Sequence[Case]) -> Reached:
    """The requests that reach an app on this server as they were sent."""
    reaches = cache(partial(_reaches, address))
    return frozenset(
        (case.id, n)
        for case in cases
        for n, ask in enumerate(case.asks)
        if not ask.here and reaches(_plain(ask, case), case.any_target)
    )


def _is_changed(case: Case, n: int, can: Reached | None) -> bool:
    return can is not None and (case.id, n) not in can


def _plain(ask: Ask, case: Case) -> Request:
    """The request without what depends on others, by a method that gets a body."""
    lines = tuple((name, value) for name, value in ask.lines if "{" not in value)
    request = made(replace(ask, lines=lines), case, {})
    method = "GET" if ask.method == "HEAD" else ask.method
    return replace(request, host=stand.CONTROL, most=None, method=method)


def _reaches(address: tuple[str, int], request: Request, any_target: bool) -> bool:
    answer = send(address, request)
    if answer.status != 200 or answer.get("x-app") is None:
        return False
    seen = json.loads(answer.body)
    told = seen["target"].encode("latin-1")
    is_it = seen["exact"] and told == request.target.removesuffix(b"?")
    target = any_target or is_it or told == request.target
    return target and seen["method"] == request.method and _has_lines(seen["lines"], request.lines)


def _has_lines(seen: list[list[str]], sent: tuple[tuple[str, str], ...]) -> bool:
    """Whether each field's value is there: whole, or one of several joined by commas."""
    got: dict[str, str] = {}
    for name, value in seen:
        got[name] = f"{got[name]},{value}" if name in got else value
    return all(value.strip(" \t") in got.get(name.lower(), "\0") for name, value in sent)
