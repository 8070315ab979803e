"""Requests without a server: what a contender's own code costs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import contenders, drive, trees
from .browser import Get
from .contenders import ASGI, CONSTANT, OURS, WSGI, Contender, LeftOut, Setting
from .drive import Answer, Driver
from .plan import Plan
from .progress import Progress
from .results import US, Results, Row

APP_ALONE = "the app alone"
MOST_AT_A_TIME = 3000
"""To make a request costs more than the quickest answers to it."""


@dataclass(frozen=True)
class Work:
    """What is asked for, and what has to come: a contender that sends else isn't measured at it."""

    key: str
    title: str
    path: str
    length: int
    status: int = 200
    coding: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    live: bool = False
    memory: int | None = None
    ours: bool = True

    def is_done_by(self, answer: Answer) -> bool:
        return (
            answer.status == self.status
            and len(answer.body) == self.length
            and answer.fields.get("content-encoding") == self.coding
        )


SMALL = Work("1 KB", "1 KB GET", trees.url("small.js"), trees.SMALL)

WORKS = (
    SMALL,
    Work("64 KB", "64 KB GET", trees.url("medium.js"), trees.MEDIUM),
    Work("1 MB", "1 MB GET, not in memory", trees.url("large.js"), trees.LARGE, memory=0),
    replace(SMALL, key="304", title="304 to a 1 KB file's own validators", length=0, status=304),
    Work(
        "range",
        "1,000 bytes of 64 KB (206)",
        trees.url("medium.js"),
        1000,
        status=206,
        fields=(("Range", "bytes=5000-5999"),),
    ),
    Work("br", "64 KB with a .br of 16 KB", trees.url("packed.js"), trees.PACKED, coding="br"),
    Work("not ours", "a request that is the app's", "/articles/42", trees.SMALL, ours=False),
    replace(SMALL, key="live", title="1 KB GET, new files are found (live)", live=True),
)


def measure(site: Path, plan: Plan, results: Results, progress: Progress) -> None:
    _run(_measure(site, plan, results, progress))


def steps() -> int:
    return 2 * len(WORKS)


def _run(main: Coroutine[Any, Any, None]) -> None:
    loop = _new_loop()
    try:
        loop.run_until_complete(main)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _measure(site: Path, plan: Plan, results: Results, progress: Progress) -> None:
    for door in (ASGI, WSGI):
        for work in WORKS:
            progress.step(f"in process, {door.upper()}: {work.title}")
            drivers = await _drivers(door, work, site)
            samples = await _samples(drivers, plan)
            key, title = f"in-process/{door}/{work.key}", f"{door.upper()} in process, {work.title}"
            base = None if work.ours else APP_ALONE
            results.rows.append(Row(key, title, US, samples, base))


async def _drivers(door: str, work: Work, site: Path) -> dict[str, Driver]:
    """Those who do the work right."""
    drivers: dict[str, Driver] = {}
    for contender in contenders.of_door(door):
        try:
            drivers[contender.name] = await _driver(contender, work, site)
        except LeftOut:
            continue
    alone = contenders.constant_app(door, trees.content(trees.SMALL if not work.ours else 0))
    if not work.ours:
        drivers[APP_ALONE] = drive.driver(door, alone, Get(work.path, work.fields))
    elif work.status == 200:
        constant = contenders.constant_app(door, trees.content(work.length))
        drivers[CONSTANT] = drive.driver(door, constant, Get(work.path, work.fields))
    return drivers


async def _driver(contender: Contender, work: Work, site: Path) -> Driver:
    if not contender.installed or not _takes_part(contender, work):
        raise LeftOut(contender.name)
    app = contenders.constant_app(contender.door, trees.content(trees.SMALL))
    served = contender.make(Setting(site, app, live=work.live, memory=work.memory))
    get = Get(work.path, work.fields)
    if work.status == 304:
        first = await drive.driver(contender.door, served, get).ask()
        get = Get(work.path, tuple(_validators(first)))
    driver = drive.driver(contender.door, served, get)
    if not work.is_done_by(await driver.ask()):
        if contender.name == OURS:
            raise RuntimeError(f"dualstatic gives a wrong answer: {contender.door}, {work.title}")
        raise LeftOut(contender.name)
    return driver


def _takes_part(contender: Contender, work: Work) -> bool:
    if work.live:
        return contender.has_live or contender.always_live
    return work.ours or contender.wraps


def _validators(answer: Answer) -> Iterator[tuple[str, str]]:
    """What a browser sends back of an answer it has kept."""
    for field, name in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
        if field in answer.fields:
            yield name, answer.fields[field]


async def _samples(drivers: dict[str, Driver], plan: Plan) -> dict[str, list[float]]:
    """Microseconds a request, for each contender and round: everyone's turn in every round."""
    counts = {name: await _count(driver, plan.batch) for name, driver in drivers.items()}
    samples: dict[str, list[float]] = {name: [] for name in drivers}
    for number in range(plan.rounds):
        gc.collect()
        for name in plan.turn(list(drivers), number):
            seconds = await drive.time_without_gc(drivers[name], counts[name])
            samples[name].append(seconds * 1e6)
    return samples


async def _count(driver: Driver, seconds: float) -> int:
    """How many requests fill the time of a batch; this warms up, too."""
    await driver.time(5)
    one = min([await driver.time(5) / 5 for _ in range(3)])
    return max(3, min(MOST_AT_A_TIME, int(seconds / one)))
