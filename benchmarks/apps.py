"""The app that a server under measurement serves: named by the environment, made by `make()`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import trees
from .contenders import (
    ASGI,
    CONSTANT,
    CONTENDERS,
    PATHSEND,
    App,
    Contender,
    Fields,
    Setting,
    constant_app,
)

MEMORY = trees.MB // 2
"""Bytes in which dualstatic keeps the files of 1 and 64 KB, and not the one of 1 MB."""

DOOR, NAME, ROOT = "BENCHMARKS_DOOR", "BENCHMARKS_NAME", "BENCHMARKS_ROOT"


def make() -> App:
    door, name = os.environ[DOOR], os.environ[NAME]
    if name == CONSTANT:
        return _constant(door)
    app = constant_app(door, b"the app")
    return contender(door, name).make(Setting(Path(os.environ[ROOT]), app, memory=MEMORY))


def contender(door: str, name: str) -> Contender:
    known = (*CONTENDERS, PATHSEND)
    return next(each for each in known if (each.door, each.name) == (door, name))


def _our_fields(path: str) -> Fields:
    """The fields of dualstatic's own answer."""
    from dualstatic import Request, StaticFiles

    files = StaticFiles(Path(os.environ[ROOT]) / trees.FOLDER, prefix=f"/{trees.FOLDER}")
    answer = files.answer(Request("HEAD", path))
    return answer.headers if answer else ()


def _constant(door: str) -> App:
    """One constant app for each file, and nothing but a look at which."""
    files = {"small.js": trees.SMALL, "medium.js": trees.MEDIUM, "large.js": trees.LARGE}
    sizes = {trees.url(name): size for name, size in files.items()}
    apps = {
        path: constant_app(door, trees.content(size), _our_fields(path))
        for path, size in sizes.items()
    }
    other = constant_app(door, b"")

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await apps.get(scope["path"], other)(scope, receive, send)

    def wsgi(environ: Any, start_response: Any) -> Any:
        return apps.get(environ["PATH_INFO"], other)(environ, start_response)

    return asgi if door == ASGI else wsgi
