"""Who is asked, what each says that it offers, and how each is set up for a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders import ASGI, OURS, WSGI, App
from tests.cases import case as c
from tests.cases.site import LINKED, MAZE, ODD, OPEN_MAZE, PLAIN

HASHED = r"\.[0-9a-f]{8}\.\w+$"
EXTRA = {
    "Vary": "Cookie",
    "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
    "Content-Location": "/elsewhere/app.js",
}


class NotOffered(Exception):
    """A contender has no such setting; no case that needs it is asked."""


@dataclass(frozen=True)
class Setup:
    site: Path
    app: App
    setting: str

    @property
    def root(self) -> Path:
        linked, odd = (c.FOLLOW, c.CONFINE, *c.LESS[c.CONFINE]), (c.ODD, c.DEVICES, *c.LESS[c.ODD])
        form = LINKED if self.setting in linked else ODD if self.setting in odd else PLAIN
        mazes = {c.MAZE: MAZE, c.MAZE_ALONE: MAZE, c.MAZE_FOLLOWED: OPEN_MAZE}
        return self.site / mazes.get(self.setting, form)


def our_options(setting: str) -> dict[str, Any]:
    of_setting: dict[str, dict[str, Any]] = {
        c.CLEAN_URLS: {"clean_urls": True},
        c.FALLBACK: {"html": True, "not_found": "single-page-application"},
        c.LOST: {"html": True, "not_found": "404-page"},
        c.DOTTED: {"dotfiles": True, "clean_urls": True},
        c.FOLLOW: {"follow_symlink": True},
        c.DEVICES: {"follow_symlink": True},
        c.MAZE_FOLLOWED: {"html": True, "follow_symlink": True},
        c.RULED: {"immutable": HASHED, "headers": EXTRA, "dictionaries": True},
        c.AT_PREFIX: {"prefix": "/css", "html": True},
        **{each: {} for each in c.WITHOUT_PAGES},
        c.KEPT: {"cache_control": "max-age=77", "headers": {**EXTRA, "X-Extra": "1"}},
        c.TOLD: {"headers": {"Cache-Control": "max-age=77", "Access-Control-Allow-Origin": "*"}},
    }
    return of_setting.get(setting, {"html": True})


def _our_files(setup: Setup, live: bool) -> Any:
    from dualstatic import StaticFiles

    return StaticFiles(setup.root, live=live, **our_options(setup.setting))


def _our_app(setup: Setup) -> App | None:
    return None if setup.setting in c.WITHOUT_APP else setup.app


def _ours(door: str, live: bool) -> Callable[[Setup], App]:
    def make(setup: Setup) -> App:
        if door == ASGI:
            from dualstatic.asgi import StaticMiddleware as Asgi

            return Asgi(_our_app(setup), files=_our_files(setup, live))
        from dualstatic.wsgi import StaticMiddleware as Wsgi

        return Wsgi(_our_app(setup), files=_our_files(setup, live))

    return make


def _only(setup: Setup, *settings: str) -> None:
    if setup.setting not in (c.PAGES, c.ODD, *settings):
        raise NotOffered


def _starlette(setup: Setup) -> App:
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    _only(setup, c.ALONE, c.DEVICES, c.FOLLOW, c.CONFINE, c.BELOW)
    follow = setup.setting in (c.FOLLOW, c.DEVICES)
    files = StaticFiles(directory=setup.root, html=True, follow_symlink=follow)
    return Starlette(routes=[Mount("/", files)])


def _extra(fields: Any, *_: Any) -> None:
    for name, value in EXTRA.items():
        if name == "Vary" and fields.get("Vary"):
            value = f"{fields['Vary']}, {value}"
        fields[name] = value


def _noise(kind: Any, setup: Setup, **more: Any) -> App:
    """WhiteNoise and those who have its options."""
    _only(setup, c.RULED, c.AT_PREFIX, *more.pop("settings", ()))
    rules = {"immutable_file_test": HASHED, "add_headers_function": _extra}
    options = rules if setup.setting == c.RULED else {}
    prefix = "css/" if setup.setting == c.AT_PREFIX else None
    app: App = kind(setup.app, setup.root, prefix, index_file=True, **options, **more)
    return app


def _whitenoise(setup: Setup) -> App:
    from whitenoise import WhiteNoise

    return _noise(WhiteNoise, setup)


def _servestatic(door: str) -> Callable[[Setup], App]:
    def make(setup: Setup) -> App:
        from servestatic import ServeStatic, ServeStaticASGI

        unsafe = setup.setting in (c.FOLLOW, c.DEVICES)
        kind = ServeStaticASGI if door == ASGI else ServeStatic
        settings = (c.DEVICES, c.FOLLOW, c.CONFINE)
        return _noise(kind, setup, settings=settings, allow_unsafe_symlinks=unsafe)

    return make


def _blacknoise(setup: Setup) -> App:
    from blacknoise import BlackNoise

    _only(setup, c.RULED, c.AT_PREFIX)
    app = BlackNoise(setup.app, immutable_file_test=lambda path: "3f2a9c1b" in path)
    app.add(str(setup.root), "/css" if setup.setting == c.AT_PREFIX else "/")
    return app


def _baize(door: str) -> Callable[[Setup], App]:
    def make(setup: Setup) -> App:
        if door == ASGI:
            from baize.asgi import Pages as Asgi

            _only(setup, c.CLEAN_URLS)
            return Asgi(setup.root, handle_404=setup.app)
        from baize.wsgi import Pages as Wsgi

        _only(setup, c.CLEAN_URLS)
        return Wsgi(setup.root, handle_404=setup.app)

    return make


def _werkzeug(setup: Setup) -> App:
    from werkzeug.middleware.shared_data import SharedDataMiddleware

    _only(setup, c.AT_PREFIX)
    prefix = "/css" if setup.setting == c.AT_PREFIX else "/"
    return SharedDataMiddleware(setup.app, {prefix: str(setup.root)})


SETUPS: dict[tuple[str, str], Callable[[Setup], App]] = {
    (ASGI, OURS): _ours(ASGI, live=False),
    (ASGI, f"{OURS}, live"): _ours(ASGI, live=True),
    (WSGI, OURS): _ours(WSGI, live=False),
    (WSGI, f"{OURS}, live"): _ours(WSGI, live=True),
    (ASGI, "Starlette"): _starlette,
    (ASGI, "ServeStatic"): _servestatic(ASGI),
    (ASGI, "blacknoise"): _blacknoise,
    (ASGI, "baize"): _baize(ASGI),
    (WSGI, "WhiteNoise"): _whitenoise,
    (WSGI, "ServeStatic"): _servestatic(WSGI),
    (WSGI, "Werkzeug"): _werkzeug,
    (WSGI, "baize"): _baize(WSGI),
}

PROGRAM = "program"
"""The door of a server that is a program of its own."""


@dataclass(frozen=True)
class Contender:
    door: str
    name: str
    distribution: str
    offers: frozenset[str]
    """What its documentation says that it has."""
    falls_through: bool = True
    """A path that is no file is the app's."""

    @property
    def title(self) -> str:
        return self.name if self.door == PROGRAM else f"{self.name} ({self.door.upper()})"

    @property
    def is_ours(self) -> bool:
        return self.distribution == OURS


NOISE = {
    c.INDEX, c.CONDITIONS, c.RANGES, c.GZIP, c.BR, c.IMMUTABLE, c.FIELDS, c.PREFIX, c.APP,
}  # fmt: skip
EVERYTHING = NOISE | {
    c.CLEAN, c.CANONICAL, c.PAGE_404, c.PAGE_FOR_APP, c.SPA, c.ZSTD, c.DELTAS, c.CONFINED,
    c.FOLLOWED, c.HIDDEN, c.MOUNTED, c.NOSNIFF, c.OWN,
}  # fmt: skip
OFFERS: dict[str, set[str]] = {
    "Starlette": {
        c.INDEX, c.CONDITIONS, c.RANGES, c.PAGE_404, c.CONFINED, c.FOLLOWED, c.MOUNTED, c.OWN,
    },
    "ServeStatic": NOISE | {c.ZSTD, c.CONFINED, c.FOLLOWED},
    "WhiteNoise": NOISE,
    "blacknoise": {c.RANGES, c.GZIP, c.BR, c.IMMUTABLE, c.PREFIX, c.APP, c.OWN},
    "baize": {c.INDEX, c.CLEAN, c.CONDITIONS, c.RANGES, c.APP},
    "Werkzeug": {c.CONDITIONS, c.PREFIX, c.APP},
    "nginx": {
        c.INDEX, c.CLEAN, c.CONDITIONS, c.RANGES, c.GZIP, c.IMMUTABLE, c.PAGE_404,
        c.CONFINED, c.FOLLOWED, c.HIDDEN, c.OWN,
    },
    "Caddy": {
        c.INDEX, c.CLEAN, c.CONDITIONS, c.RANGES, c.GZIP, c.BR, c.ZSTD, c.IMMUTABLE, c.PAGE_404,
        c.FOLLOWED, c.HIDDEN, c.OWN,
    },
}  # fmt: skip


def _of_python(door: str, name: str) -> Contender:
    package = OURS if name.startswith(OURS) else name.lower()
    offers = EVERYTHING if package == OURS else OFFERS[name]
    falls_through = name not in ("Starlette", "blacknoise")
    return Contender(door, name, package, frozenset(offers), falls_through)


CONTENDERS = (
    *[_of_python(door, name) for door, name in SETUPS],
    *[
        Contender(PROGRAM, name, name.lower(), frozenset(OFFERS[name]), falls_through=False)
        for name in ("nginx", "Caddy")
    ],
)
