"""Requests a second on real servers, all of a group up at once and asked in turn."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.launch import HOST, Launched, free_port

from . import contenders, load, processes, trees
from .browser import FIELDS
from .contenders import ASGI, CONSTANT, OURS, PATHSEND, WSGI, LeftOut, NotInstalled
from .load import LoadFailed
from .plan import Plan
from .processes import Launch
from .progress import Progress
from .results import PER_SECOND, Results, Row

GRANIAN_STATIC, NGINX, CADDY = "Granian's static files", "nginx", "Caddy"

SIZES = (
    ("1 KB", "small.js", trees.SMALL),
    ("64 KB", "medium.js", trees.MEDIUM),
    ("1 MB", "large.js", trees.LARGE),  # not in memory
)

KEY = {OURS, CONSTANT, "Starlette", "WhiteNoise"}
"""Those that the checks speak of."""

Launcher = Callable[[Path, int], Launch]


@dataclass(frozen=True)
class Group:
    """Servers that are compared with one another."""

    key: str
    title: str
    launchers: dict[str, Launcher]
    http2: bool = False


def groups(plan: Plan) -> list[Group]:
    asgi, wsgi = _names(ASGI, plan), _names(WSGI, plan)
    files: dict[str, Launcher] = {GRANIAN_STATIC: processes.granian_static}
    programs: dict[str, Launcher] = {NGINX: processes.nginx, CADDY: processes.caddy}
    on_uvicorn = {name: partial(processes.uvicorn, name) for name in asgi}
    on_gunicorn = {name: partial(processes.gunicorn, name) for name in wsgi}
    on_hypercorn = {name: partial(processes.hypercorn, name) for name in asgi}
    by_asgi = {name: partial(processes.granian, ASGI, name) for name in [*asgi, PATHSEND.name]}
    by_wsgi = {name: partial(processes.granian, WSGI, name) for name in wsgi}
    every = [
        Group("uvicorn", "uvicorn", on_uvicorn | files | programs),
        Group("granian-asgi", "Granian, ASGI", by_asgi | files),
        Group("granian-wsgi", "Granian, WSGI", by_wsgi | files),
        Group("gunicorn", "gunicorn, gthread", on_gunicorn),
        Group("granian-http2", "Granian, HTTP/2", by_asgi | files, http2=True),
        Group("hypercorn-http2", "Hypercorn, HTTP/2", on_hypercorn, http2=True),
    ]
    has_client = load.can_http2() and not plan.key_contenders_only
    return [group for group in every if has_client or not group.http2]


def steps(plan: Plan) -> int:
    return len(groups(plan)) * (1 + len(SIZES))


def _names(door: str, plan: Plan) -> list[str]:
    names = [CONSTANT, *(c.name for c in contenders.of_door(door) if c.installed)]
    return [name for name in names if name in KEY or not plan.key_contenders_only]


def measure(site: Path, scratch: Path, plan: Plan, results: Results, progress: Progress) -> None:
    for group in groups(plan):
        progress.step(f"servers, {group.title}: they start")
        with contextlib.ExitStack() as stack:
            servers = dict(_start(group, site, scratch, stack, results))
            for size, file, length in SIZES:
                progress.step(f"servers, {group.title}: {size}")
                path = trees.url(file)
                right = _those_that_answer(servers, path, length, group, results)
                samples, failed = _samples(right, path, group.http2, plan)
                _name_failures(failed, group, results)
                if samples:
                    key, title = f"servers/{group.key}/{size}", f"{group.title}, {size} GET"
                    results.rows.append(Row(key, title, PER_SECOND, samples))


def _start(
    group: Group, site: Path, scratch: Path, stack: contextlib.ExitStack, results: Results
) -> Iterator[tuple[str, Launched]]:
    """All begin at once; then each is waited for."""
    begun: list[tuple[str, Launched]] = []
    for number, (name, launcher) in enumerate(group.launchers.items()):
        port, log = free_port(), scratch / f"{group.key}-{number}.log"
        with _left_out(f"{name} on {group.title}", results):
            server = processes.start(launcher(site, port), port, log)
            stack.callback(server.end)
            begun.append((name, server))
    for name, server in begun:
        with _left_out(f"{name} on {group.title}", results):
            processes.wait(server)
            yield name, server


@contextlib.contextmanager
def _left_out(name: str, results: Results) -> Iterator[None]:
    try:
        yield
    except NotInstalled:
        pass
    except LeftOut as reason:
        results.leave_out(f"{name} ({reason})")


def _name_failures(failed: set[str], group: Group, results: Results) -> None:
    for name in sorted(failed):
        results.leave_out(f"{name} on {group.title} (failed under load)")


def _those_that_answer(
    servers: dict[str, Launched], path: str, length: int, group: Group, results: Results
) -> dict[str, Launched]:
    right = {}
    for name, server in servers.items():
        if _answers(server, path, length):
            right[name] = server
        else:
            results.leave_out(f"{name} on {group.title} (another answer)")
    return right


def _answers(server: Launched, path: str, length: int) -> bool:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(FIELDS))
        answer = connection.getresponse()
        return (answer.status, len(answer.read())) == (200, length)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _samples(
    servers: dict[str, Launched], path: str, http2: bool, plan: Plan
) -> tuple[dict[str, list[float]], set[str]]:
    """Requests a second, for each contender and round; and who failed."""
    samples: dict[str, list[float]] = {name: [] for name in servers}
    failed: set[str] = set()
    for number in range(plan.load_rounds):
        for name in plan.turn(list(servers), number):
            try:
                samples[name].append(load.load(servers[name].port, path, plan.load, http2))
            except LoadFailed:
                failed.add(name)
    return {name: rates for name, rates in samples.items() if name not in failed}, failed
