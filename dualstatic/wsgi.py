"""The WSGI door (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

from .core.values import READ_FIELDS, Request, Response
from .disk.body import CHUNK, Body
from .staticfiles import StaticFiles, check_arguments, open_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FIELD_KEYS = [(name, f"HTTP_{name.upper().replace('-', '_')}") for name in READ_FIELDS]
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class StaticMiddleware:
    """A WSGI app that answers requests for files, and hands all others on to `app` as they came.

    Without an app it answers them itself, with 404 or 405. A whole file goes to the server's
    `wsgi.file_wrapper` unless `file_wrapper` is False.
    """

    def __init__(
        self, app: WSGIApplication | None = None, *, files: StaticFiles, file_wrapper: bool = True
    ) -> None:
        check_arguments(app, files)
        self.app = app
        self.files = files
        self._file_wrapper = file_wrapper

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if not path.isascii():
            path = _decoded(path)
        if self.app is not None and not self.files._may_answer(path):
            return self.app(environ, start_response)
        if response := self._ready(environ, path):
            start_response(_STATUS_LINES[response.status], list(response.headers))
            return _chunks(response)
        opened = open_answer(self.files, _request(environ, path), has_app=self.app is not None)
        if opened is None:
            assert self.app is not None  # noqa: S101 (for the type checker)
            return self.app(environ, start_response)
        response, body = opened
        try:
            start_response(_STATUS_LINES[response.status], list(response.headers))
            if body is None:
                return _chunks(response)
            return self._wrapped(environ, body)
        except BaseException:
            if body is not None:
                body.close()
            raise

    def _ready(self, environ: WSGIEnvironment, path: str) -> Response | None:
        """The answer to a browser's GET, if all of it is in memory."""
        if (
            environ.get("REQUEST_METHOD") != "GET"
            or "HTTP_RANGE" in environ
            or "HTTP_IF_MATCH" in environ
            or "HTTP_IF_UNMODIFIED_SINCE" in environ
        ):
            return None
        tag = environ.get("HTTP_IF_NONE_MATCH")
        if tag is None and "HTTP_IF_MODIFIED_SINCE" in environ:
            return None  # beside a tag it is not looked at (RFC 9110 section 13.1.3)
        accepted = environ.get("HTTP_ACCEPT_ENCODING")
        return self.files._get_ready(path, _raw_path(environ), accepted, tag)

    def _wrapped(self, environ: WSGIEnvironment, body: Body) -> Iterable[bytes]:
        """The body as the server would have it. The wrapper of wsgiref minds no length."""
        wrap = environ.get("wsgi.file_wrapper") if self._file_wrapper else None
        if wrap is None or wrap is FileWrapper or (file := body.detach()) is None:
            return body
        try:
            wrapped: Iterable[bytes] = wrap(file, CHUNK)
        except BaseException:
            file.close()
            raise
        return wrapped


def _chunks(response: Response) -> Iterable[bytes]:
    """The body of an answer that needs no file: none of its parts is a range."""
    parts: tuple[Any, ...] = response.body
    return parts


def _decoded(path: str) -> str:
    # Bytes that aren't UTF-8 become surrogates, and characters that aren't bytes get a backslash:
    # no name has either.
    return path.encode("latin-1", "backslashreplace").decode("utf-8", "surrogateescape")


def _raw_path(environ: WSGIEnvironment) -> bytes | None:
    raw: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    return raw.encode("latin-1", "backslashreplace") if raw else None


def _request(environ: WSGIEnvironment, path: str) -> Request:
    return Request(
        environ.get("REQUEST_METHOD", ""),
        path,
        environ.get("QUERY_STRING", ""),
        {name: environ[key] for name, key in _FIELD_KEYS if key in environ},
        _raw_path(environ),
    )
