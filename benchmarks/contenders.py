"""Who is measured, each set up as its own documentation says for production."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .trees import FOLDER

App = Callable[..., Any]
Fields = tuple[tuple[str, str], ...]

OURS = "dualstatic"
CONSTANT = "constant app"
"""Gives the same answer, all its fields, from memory: the most that Python can reach."""

ASGI, WSGI = "asgi", "wsgi"


class LeftOut(Exception):
    """A contender that can't take part, and why."""


class NotInstalled(LeftOut):
    """It is named once, with all that isn't there."""


@dataclass(frozen=True)
class Setting:
    """What a contender is to serve: a tree's root, the app behind it, and how."""

    root: Path
    app: App
    live: bool = False
    memory: int | None = None

    @property
    def files(self) -> str:
        return str(self.root / FOLDER)


@dataclass(frozen=True)
class Contender:
    name: str
    door: str
    distribution: str
    make: Callable[[Setting], App]
    always_live: bool = False
    """It has no index that could go stale, so it takes part in the live work as it is."""
    has_live: bool = False
    """It has a mode in which new files are found."""
    wraps: bool = True
    """It can stand in front of an app."""

    @property
    def installed(self) -> bool:
        return version_of(self.distribution) is not None


def version_of(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _our_files(setting: Setting) -> Any:
    from dualstatic import StaticFiles

    options: dict[str, Any] = {"prefix": f"/{FOLDER}", "live": setting.live}
    if setting.memory is not None:
        options["memory"] = setting.memory
    return StaticFiles(setting.files, **options)


def _our_asgi(setting: Setting) -> App:
    from dualstatic.asgi import StaticMiddleware

    return StaticMiddleware(setting.app, files=_our_files(setting))


def _our_asgi_pathsend(setting: Setting) -> App:
    """The server reads the file: so nothing is kept in memory."""
    from dualstatic import StaticFiles
    from dualstatic.asgi import StaticMiddleware

    files = StaticFiles(setting.files, prefix=f"/{FOLDER}", memory=0)
    return StaticMiddleware(setting.app, files=files, pathsend=True)


def _our_wsgi(setting: Setting) -> App:
    from dualstatic.wsgi import StaticMiddleware

    return StaticMiddleware(setting.app, files=_our_files(setting))


def _starlette(setting: Setting) -> App:
    from starlette.staticfiles import StaticFiles

    return StaticFiles(directory=setting.root)


def _blacknoise(setting: Setting) -> App:
    from blacknoise import BlackNoise

    app = BlackNoise(setting.app)
    app.add(setting.files, f"/{FOLDER}")
    return app


def _servestatic_asgi(setting: Setting) -> App:
    from servestatic import ServeStaticASGI

    return ServeStaticASGI(setting.app, setting.files, FOLDER, autorefresh=setting.live)


def _servestatic_wsgi(setting: Setting) -> App:
    from servestatic import ServeStatic

    return ServeStatic(setting.app, setting.files, FOLDER, autorefresh=setting.live)


def _whitenoise(setting: Setting) -> App:
    from whitenoise import WhiteNoise

    return WhiteNoise(setting.app, setting.files, FOLDER, autorefresh=setting.live)


def _werkzeug(setting: Setting) -> App:
    from werkzeug.middleware.shared_data import SharedDataMiddleware

    return SharedDataMiddleware(setting.app, {f"/{FOLDER}": setting.files})


def _baize_asgi(setting: Setting) -> App:
    from baize.asgi import Files

    return Files(setting.root, handle_404=setting.app)


def _baize_wsgi(setting: Setting) -> App:
    from baize.wsgi import Files

    return Files(setting.root, handle_404=setting.app)


CONTENDERS = (
    Contender(OURS, ASGI, "dualstatic", _our_asgi, has_live=True),
    Contender("Starlette", ASGI, "starlette", _starlette, always_live=True, wraps=False),
    Contender("ServeStatic", ASGI, "servestatic", _servestatic_asgi, has_live=True),
    Contender("blacknoise", ASGI, "blacknoise", _blacknoise),
    Contender("baize", ASGI, "baize", _baize_asgi, always_live=True),
    Contender(OURS, WSGI, "dualstatic", _our_wsgi, has_live=True),
    Contender("WhiteNoise", WSGI, "whitenoise", _whitenoise, has_live=True),
    Contender("ServeStatic", WSGI, "servestatic", _servestatic_wsgi, has_live=True),
    Contender("Werkzeug", WSGI, "werkzeug", _werkzeug, always_live=True),
    Contender("baize", WSGI, "baize", _baize_wsgi, always_live=True),
)

PATHSEND = Contender("dualstatic, pathsend", ASGI, "dualstatic", _our_asgi_pathsend)


def of_door(door: str) -> list[Contender]:
    return [contender for contender in CONTENDERS if contender.door == door]


def constant_app(door: str, body: bytes, fields: Fields = ()) -> App:
    """A bare app that gives the same answer from memory."""
    fields = fields or (("content-type", "text/javascript"), ("content-length", str(len(body))))
    return _constant_asgi(body, fields) if door == ASGI else _constant_wsgi(body, fields)


def _constant_asgi(body: bytes, fields: Fields) -> App:
    raw = [(name.encode(), value.encode()) for name, value in fields]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return app


def _constant_wsgi(body: bytes, fields: Fields) -> App:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", list(fields))
        return [body]

    return app
