"""The WSGI door (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

from .core.values import READ_FIELDS, Request
from .disk.body import CHUNK
from .staticfiles import StaticFiles, open_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FIELD_KEYS = [(name, f"HTTP_{name.upper().replace('-', '_')}") for name in READ_FIELDS]


class StaticMiddleware:
    """A WSGI app that answers requests for files, and hands all others on to `app` as they came.

    Without an app it answers them itself, with 404 or 405. A whole file goes to the server's
    `wsgi.file_wrapper` unless `file_wrapper` is False.
    """

    def __init__(
        self, app: WSGIApplication | None = None, *, files: StaticFiles, file_wrapper: bool = True
    ) -> None:
        self.app = app
        self.files = files
        self._file_wrapper = file_wrapper

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        opened = open_answer(self.files, _request(environ), has_app=self.app is not None)
        if opened is None:
            assert self.app is not None  # noqa: S101 (for the type checker)
            return self.app(environ, start_response)
        response, body = opened
        try:
            phrase = HTTPStatus(response.status).phrase
            start_response(f"{response.status} {phrase}", list(response.headers))
            wrap = self._wrapper(environ)
            if wrap and (file := body.detach()):
                return wrap(file, CHUNK)
        except BaseException:
            body.close()
            raise
        return body

    def _wrapper(self, environ: WSGIEnvironment) -> Callable[[Any, int], Iterable[bytes]] | None:
        """The server's way to send a file. That of wsgiref has none, and minds no length."""
        wrap = environ.get("wsgi.file_wrapper") if self._file_wrapper else None
        return None if wrap is FileWrapper else wrap


def _request(environ: WSGIEnvironment) -> Request:
    # Bytes that aren't UTF-8 become surrogates, and characters that aren't bytes get a backslash:
    # no name has either.
    path = environ.get("PATH_INFO", "")
    if not path.isascii():
        path = path.encode("latin-1", "backslashreplace").decode("utf-8", "surrogateescape")
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    return Request(
        environ.get("REQUEST_METHOD", ""),
        path,
        environ.get("QUERY_STRING", ""),
        {name: environ[key] for name, key in _FIELD_KEYS if key in environ},
        raw.encode("latin-1", "backslashreplace") if raw else None,
    )
