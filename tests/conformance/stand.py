"""The app under a Python server: every setting of one contender, the Host says which."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from benchmarks.contenders import ASGI, WSGI, App
from tests.cases.case import BELOW, PAGES, SETTINGS, Lines
from tests.cases.site import APP, MISS

from .judge import FIELDS
from .setups import SETUPS, NotOffered, Setup

DOOR, NAME, ROOT = "CONFORMANCE_DOOR", "CONFORMANCE_NAME", "CONFORMANCE_ROOT"
CONTROL = "control"
"""The Host that shows what the server hands on."""

NO_START = "x-no-start"
"""The contender can't start in this setting."""


def make() -> App:
    door, name, root = os.environ[DOOR], os.environ[NAME], Path(os.environ[ROOT])
    behind = BEHIND[door]
    apps: dict[str, App] = {CONTROL: _asgi_control if door == ASGI else _wsgi_control}
    for setting in SETTINGS if name else ():
        try:
            apps[setting] = SETUPS[door, name](Setup(root, behind, setting))
        except NotOffered:
            continue
        except Exception:  # noqa: BLE001 (it can't start on this tree: then the others are asked)
            apps[setting] = _asgi_none if door == ASGI else _wsgi_none
    return _asgi(apps) if door == ASGI else _wsgi(apps)


def _asgi(apps: dict[str, App]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        host = next((value.decode() for name, value in scope["headers"] if name == b"host"), "")
        setting = host if host in apps else PAGES
        if setting == BELOW:
            scope = {**scope, "root_path": "/app"}
        await apps[setting](scope, receive, send)

    return app


def _wsgi(apps: dict[str, App]) -> App:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        host = environ.get("HTTP_HOST", "")
        setting = host if host in apps else PAGES
        if setting == BELOW and environ["PATH_INFO"].startswith("/app"):
            path = environ["PATH_INFO"].removeprefix("/app")
            environ = {**environ, "SCRIPT_NAME": "/app", "PATH_INFO": path}
        return apps[setting](environ, start_response)

    return app


def _answer(path: str) -> tuple[int, Lines, bytes]:
    status, more = APP.get(path, (404, ()))
    return status, more, b"users" if status == 200 else MISS


async def _asgi_app(scope: Any, receive: Any, send: Any) -> None:
    status, more, body = _answer(scope["path"])
    await _send(send, status, body, more)


async def _send(send: Any, status: int, body: bytes, more: Lines = ()) -> None:
    lines = [*FIELDS, *more, ("content-length", str(len(body)))]
    fields = [(name.lower().encode(), value.encode()) for name, value in lines]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    status, more, body = _answer(environ["PATH_INFO"])
    line = f"{status} {HTTPStatus(status).phrase}"
    start_response(line, [*FIELDS, *more, ("content-length", str(len(body)))])
    return [body]


BEHIND = {ASGI: _asgi_app, WSGI: _wsgi_app}


async def _asgi_none(scope: Any, receive: Any, send: Any) -> None:
    fields = [(NO_START.encode(), b"1"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 503, "headers": fields})
    await send({"type": "http.response.body", "body": b""})


def _wsgi_none(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("503 Service Unavailable", [(NO_START, "1"), ("content-length", "0")])
    return []


async def _asgi_control(scope: Any, receive: Any, send: Any) -> None:
    raw = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    path = scope["path"]
    exact = path == unquote_to_bytes(raw.partition(b"?")[0]).decode("utf-8", "replace")
    lines = [(name.decode("latin-1"), text.decode("latin-1")) for name, text in scope["headers"]]
    await _send(send, 200, _seen(scope["method"], raw, exact, lines))


def _wsgi_control(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raw = environ["RAW_URI"].encode("latin-1", "replace")
    path = environ["PATH_INFO"].encode("latin-1", "replace")
    exact = path == unquote_to_bytes(raw.partition(b"?")[0])
    lines = [(name[5:].replace("_", "-").lower(), value) for name, value in environ.items()
             if name.startswith("HTTP_")]  # fmt: skip
    body = _seen(environ["REQUEST_METHOD"], raw, exact, lines)
    start_response("200 OK", [*FIELDS, ("content-length", str(len(body)))])
    return [body]


def _seen(method: str, raw: bytes, exact: bool, lines: list[tuple[str, str]]) -> bytes:
    seen = {"method": method, "target": raw.decode("latin-1"), "exact": exact, "lines": lines}
    return json.dumps(seen).encode()
