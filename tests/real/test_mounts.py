"""Frameworks that mount the files: what they say of a path, and how it is found all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import anyio
import pytest

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles
from tests.support.doors import Messages, make_environ, make_scope
from tests.support.steps import staying

FILES = {"index.html": b"home", "sub/index.html": b"sub", "app.js": b"script()"}


@pytest.fixture(params=[False, True], ids=["index", "live"])
def files(request: pytest.FixtureRequest, tree: Callable[..., Path]) -> StaticFiles:
    return StaticFiles(tree(FILES), html=True, live=request.param)


def bottle(files: StaticFiles) -> Any:
    from bottle import Bottle

    app = Bottle()
    app.mount("/docs", dualstatic.wsgi.StaticMiddleware(files=files))
    return app


def dispatcher(files: StaticFiles) -> Any:
    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return DispatcherMiddleware(
        NotFound(), {"/docs": dualstatic.wsgi.StaticMiddleware(files=files)}
    )


def starlette(files: StaticFiles) -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/docs", dualstatic.asgi.StaticMiddleware(files=files))])


def litestar(files: StaticFiles) -> Any:
    from litestar import Litestar, asgi

    door = dualstatic.asgi.StaticMiddleware(files=files)

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await door(scope, receive, send)

    return Litestar([asgi("/docs", is_mount=True, copy_scope=True)(serve)])


def fastapi_behind_a_proxy(files: StaticFiles) -> Any:
    """The proxy takes off /api, which FastAPI adds to what it says of the mount."""
    from fastapi import FastAPI

    app = FastAPI()
    app.root_path = "/api"
    app.mount("/docs", dualstatic.asgi.StaticMiddleware(files=files))
    return app


Answer = tuple[int, dict[str, str], bytes]


def ask_wsgi(app: Any, target: str) -> Answer:
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started.append((int(status[:3]), {name.lower(): value for name, value in headers}))

    body = b"".join(app(make_environ("GET", target.encode(), ()), start_response))
    return (*started[0], body)


def ask_asgi(app: Any, target: str) -> Answer:
    messages = Messages()
    scope = {**make_scope("GET", target.encode(), ()), "state": {}}
    anyio.run(app, scope, staying(), messages.send)
    assert messages.start is not None
    fields = {name.decode(): value.decode() for name, value in messages.start["headers"]}
    return messages.start["status"], fields, b"".join(messages.body)


@pytest.mark.parametrize(
    ("make", "ask"),
    [
        (bottle, ask_wsgi),
        (dispatcher, ask_wsgi),
        (starlette, ask_asgi),
        (litestar, ask_asgi),
        (fastapi_behind_a_proxy, ask_asgi),
    ],
    ids=lambda function: function.__name__,
)
def test_what_is_mounted_is_found(
    files: StaticFiles, make: Callable[..., Any], ask: Callable[..., Answer]
) -> None:
    app = make(files)
    for target, body in (("app.js", b"script()"), ("sub/", b"sub"), ("", b"home")):
        status, _, got = ask(app, f"/docs/{target}")
        assert (status, got) == (200, body), target
    assert ask(app, "/docs/missing")[0] == 404
    status, fields, _ = ask(app, "/docs/sub?q=1")
    assert status == 307
    location = urljoin("http://testserver/docs/sub?q=1", fields["location"])
    assert location.removeprefix("http://testserver") == "/docs/sub/?q=1"


@pytest.mark.parametrize(
    ("make", "ask"),
    [(bottle, ask_wsgi), (dispatcher, ask_wsgi), (starlette, ask_asgi)],
    ids=lambda function: function.__name__,
)
def test_the_mount_point_without_its_slash_is_redirected(
    files: StaticFiles, make: Callable[..., Any], ask: Callable[..., Answer]
) -> None:
    app = make(files)
    for _ in range(2):
        status, fields, _ = ask(app, "/docs?q=1")
        assert status == 307
        location = urljoin("http://test/docs?q=1", fields["location"])
        assert location.endswith("/docs/?q=1")
        assert ask(app, "/docs/")[2] == b"home"
