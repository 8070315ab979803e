"""What every app of the matrix has: its files, with an index and without, and three routes."""

from __future__ import annotations

import os
from typing import Any

from dualstatic import StaticFiles

LIVE = {"/static": False, "/live": True}
"""The prefixes, and whether what lies below them is looked up on the disk each time."""

UPLOAD = "/static/page.css"
"""A file's path, to which a form can be sent all the same."""

served: list[StaticFiles] = []


def make_files(*, mounted: bool = False) -> dict[str, StaticFiles]:
    """The files of each prefix; a framework that mounts them takes the prefix off itself."""
    files = {
        prefix: StaticFiles(
            os.environ["DIRECTORY"], prefix="/" if mounted else prefix, html=True, live=live
        )
        for prefix, live in LIVE.items()
    }
    served.extend(files.values())
    return files


def wrap(app: Any, middleware: Any) -> Any:
    for files in make_files().values():
        app = middleware(app, files=files)
    return app


def hello() -> str:
    return "hello"


def refresh() -> str:
    for files in served:
        files.refresh()
    return "refreshed"


def echo(body: bytes) -> str:
    return f"{len(body)} bytes"


GETS = {"/hello": hello, "/refresh": refresh}
