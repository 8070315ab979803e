"""The WSGI door (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from itertools import chain, islice
from logging import DEBUG
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

from .core.values import READ_FIELDS, Request, Resource, Response
from .disk.body import CHUNK, Answer
from .disk.errors import logger
from .doors import check_arguments, is_logged, is_miss, make_request, with_vary
from .staticfiles import StaticFiles
from .views import FileOfView

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FIELD_KEYS = [(name, f"HTTP_{name.upper().replace('-', '_')}") for name in READ_FIELDS]
_UWSGI, _GUNICORN = "uwsgi.version", "gunicorn.socket"
"""What is in the environ of these servers only."""

_LOST = "dualstatic.lost"
"""In the environ of a request that is being answered with the 404 page of a Flask app."""

_NOTHING = (b"",)
"""Hypercorn sends no status before the first piece of a body, so an empty body has one."""

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class StaticMiddleware:
    """A WSGI app that answers requests for files, and hands all others on to `app` as they came.

    Without an app it answers them itself, with 404 or 405. A whole file goes to the server's
    `wsgi.file_wrapper` unless `file_wrapper` is False.
    """

    def __init__(
        self, app: WSGIApplication | None = None, *, files: StaticFiles, file_wrapper: bool = True
    ) -> None:
        check_arguments(app, "wsgi", files, file_wrapper=file_wrapper)
        self.app = app
        self.files = files
        self._site = files.site
        self._look_up = files.site.look_up
        self._falls_back = files.site.falls_back
        self._file_wrapper = file_wrapper

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:  # a call of `get` takes longer
            path: str = environ["PATH_INFO"]
        except KeyError:
            path = ""
        if not path.isascii():  # a call of `_decoded` takes longer than to look
            path = _decoded(path)
        app = self.app
        if (
            app is not None
            and path not in self._look_up.covers
            and (is_logged(DEBUG) is False or logger.disabled)
        ):
            if self._falls_back:
                return self._ask_app(environ, start_response, path)
            return app(environ, start_response)
        resource = self._look_up.answers.get(path)
        if resource and (response := self._pick(resource, path, environ)):
            start_response(_STATUS_LINES[response.status], list(response.headers))
            return response.body or _NOTHING  # type: ignore[return-value]  # all is in memory
        request = _request(environ, path)
        answer = _asked(self.files.answer, request, environ)
        if answer is None and app is None:
            fallback = partial(self.files.fallback, has_app=False)
            answer = _asked(fallback, request, environ)
        if answer is None:
            return self._ask_app(environ, start_response, path)
        return _send(answer, start_response, self._wrapper(environ))

    def _ask_app(
        self, environ: WSGIEnvironment, start_response: StartResponse, path: str
    ) -> Iterable[bytes]:
        """The app's answer or, where it has none, a page in its place."""
        app = self.app
        assert app is not None  # noqa: S101 (for the type checker)
        if not self._site.may_fall_back(environ.get("REQUEST_METHOD", ""), path):
            return app(environ, start_response)
        asked = {**environ}  # the app may change its own (PEP 3333)
        held = _Held(self.files, asked, path, start_response)
        body = held.ask(app, environ)
        if isinstance(body, Answer):
            return _send(body, held.start, self._wrapper(asked))
        return body

    def _pick(self, resource: Resource, path: str, environ: WSGIEnvironment) -> Response | None:
        """The answer to a browser's GET, if all of it is in memory."""
        if (
            environ["REQUEST_METHOD"] != "GET"
            or "HTTP_IF_MATCH" in environ
            or "HTTP_IF_UNMODIFIED_SINCE" in environ
        ):
            return None
        tag, ranges = environ.get("HTTP_IF_NONE_MATCH"), None
        if tag is None and "HTTP_IF_MODIFIED_SINCE" in environ:
            return None  # beside a tag it is not looked at (RFC 9110 section 13.1.3)
        if "HTTP_RANGE" in environ:
            if "HTTP_IF_RANGE" in environ:
                return None
            ranges = environ["HTTP_RANGE"]
        accepted = environ.get("HTTP_ACCEPT_ENCODING")
        raw_path, query = read_target(environ), environ.get("QUERY_STRING")
        dictionary = environ.get("HTTP_AVAILABLE_DICTIONARY") if resource.deltas else None
        return self._site.pick(resource, path, raw_path, accepted, tag, query, dictionary, ranges)

    def _wrapper(self, environ: WSGIEnvironment) -> Callable[..., Iterable[bytes]] | None:
        """What the server would have files in.

        The wrapper of wsgiref minds no length, and uWSGI sends more than it if the file grows.
        """
        wrapper = environ.get("wsgi.file_wrapper") if self._file_wrapper else None
        return None if wrapper is FileWrapper or _UWSGI in environ else wrapper


class FileResponse(FileOfView):
    """A file as the answer of a view, as Flask and Bottle take it from one; also a WSGI app."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _request(environ, "")
        answer = _asked(self.answer, request, environ)
        if answer is None and (page := _not_found_of_flask()):
            return page(environ, start_response)
        if answer is None:
            answer = _asked(self.not_found, request, environ)
        assert answer is not None  # noqa: S101 (for the type checker)
        return _send(answer, start_response)

    def __iter__(self) -> Iterator[object]:
        """One answer of Bottle's own: it takes what it iterates over, and calls no WSGI app."""
        from bottle import HTTPError, HTTPResponse, request

        answer = _asked(self.answer, _request(request.environ, ""), request.environ)
        if answer is None:
            raise HTTPError(404)
        yield HTTPResponse(chunks(answer), answer.status, dict(answer.headers))


def _not_found_of_flask() -> WSGIApplication | None:
    """The 404 page of a Flask app; None: it is no Flask app whose view asks, or that page asks.

    Flask calls the answer of a view where an exception would be a 500.
    """
    flask = sys.modules.get("flask")
    if flask is None or not flask.has_request_context():
        return None
    environ = flask.request.environ  # each answer that is an app gets a copy
    if _LOST in environ:
        return None
    environ[_LOST] = True
    from werkzeug.exceptions import NotFound

    app = flask.current_app
    try:
        raise NotFound
    except NotFound as error:  # what Flask calls, and Flask itself, may raise it again
        page: WSGIApplication = app.make_response(app.handle_user_exception(error))
    return page


def _send(
    answer: Answer,
    start_response: Callable[[str, list[tuple[str, str]]], object],
    wrapper: Callable[..., Iterable[bytes]] | None = None,
) -> Iterable[bytes]:
    """Begin an answer, and give its body; a whole file goes into the wrapper."""
    file = None
    try:
        start_response(_STATUS_LINES[answer.status], list(answer.headers))
        if not answer.has_file:
            parts: tuple[Any, ...] = answer.response.body or _NOTHING  # all of them are bytes
            return parts
        file = answer.detach() if wrapper else None
        return wrapper(file, CHUNK) if wrapper and file else chunks(answer)
    except BaseException:
        (file or answer).close()
        raise


class _Body:
    """What a server iterates over, and then closes."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], object]) -> None:
        self._pieces, self.close = pieces, close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def chunks(answer: Answer) -> Iterable[bytes]:
    """The chunks of an answer, for a server."""

    def told() -> Iterator[bytes]:
        try:
            yield from answer
        except OSError as error:
            raise RuntimeError(str(error)) from error  # as `_asked` does

    return _Body(told(), answer.close)


def _asked(
    ask: Callable[[Request], Answer | None], request: Request, environ: WSGIEnvironment
) -> Answer | None:
    """What is answered; a RuntimeError is raised in place of an OSError.

    A server takes an OSError for a failure of its own socket, and closes that without an answer. An
    error that is both (a missing directory) is raised as it is, but not under Gunicorn: no other
    server looks for an OSError first.
    """
    try:
        return ask(request)
    except OSError as error:
        if isinstance(error, RuntimeError) and _GUNICORN not in environ:
            raise
        raise RuntimeError(str(error)) from error


class _Held:
    """Stands between an app and its server, and holds the status of a miss until the app is done.

    An app may tell it late, when its body is iterated over, and it may use `write`.
    """

    def __init__(
        self,
        files: StaticFiles,
        environ: WSGIEnvironment,
        path: str,
        start_response: StartResponse,
    ) -> None:
        self._files, self._environ, self._path, self._start = files, environ, path, start_response
        self._miss: tuple[str, list[tuple[str, str]]] | None = None
        self._exc_info: tuple[OptExcInfo, ...] = ()
        self._written: list[bytes] = []
        self._is_passed_on = self._is_done = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        self._exc_info = (exc_info,) if exc_info else ()
        misses = is_miss(self._files, status[:3], headers)
        if misses:
            # A cache has to know that another request may get a page.
            headers = with_vary(headers, _request(self._environ, self._path))
        if misses and not self._is_done:
            if self._is_passed_on:
                # The server raises the exception, if something has been sent.
                self.start(status, headers)
            self._miss, self._written = (status, headers), []
            return self._written.append
        self._miss, self._is_passed_on = None, True
        return self.start(status, headers)

    def start(self, status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], object]:
        """The server's, which has to be told why there is another status."""
        return self._start(status, headers, *self._exc_info)

    def ask(self, app: WSGIApplication, environ: WSGIEnvironment) -> Iterable[bytes] | Answer:
        """The body of the app or, after its 404, the page."""
        given = body = app(environ, self.start_response)
        try:
            if not (self._is_passed_on or self._miss):  # it tells its status with the first piece
                rest = iter(given)
                body = _Body(chain(list(islice(rest, 1)), rest), partial(_close, given))
            self._is_done = True
            page = self._page(*self._miss) if self._miss else None
            if page is None:
                return body
        except BaseException:
            _close(given)
            raise
        try:
            _close(given)
        except BaseException:
            page.close()
            raise
        return page

    def _page(self, status: str, headers: list[tuple[str, str]]) -> Answer | None:
        """The page in place of a miss; None: there is none, and the miss has been told."""
        fallback = partial(self._files.fallback, has_app=True)
        page = _asked(fallback, _request(self._environ, self._path), self._environ)
        if page is None:
            write = self.start(status, headers)
            for data in self._written:
                write(data)
        return page


def _close(chunks: object) -> None:
    if hasattr(chunks, "close"):
        chunks.close()


def _decoded(path: str) -> str:
    # Bytes that aren't UTF-8 become surrogates, and characters that aren't bytes get a backslash:
    # no name has either.
    return path.encode("latin-1", "backslashreplace").decode("utf-8", "surrogateescape")


def read_target(environ: WSGIEnvironment) -> bytes:
    """The request target, as far as the server tells it."""
    raw: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if raw.isascii():  # it takes longer to name a charset
        return raw.encode()
    return raw.encode("latin-1", "backslashreplace")


def read_fields(environ: WSGIEnvironment) -> dict[str, str]:
    """The header fields that a decision reads, by their lower-case names."""
    # Some servers leave whitespace around a value, which is no part of it (section 5.5).
    return {name: environ[key].strip(" \t") for name, key in _FIELD_KEYS if key in environ}


def _request(environ: WSGIEnvironment, path: str) -> Request:
    return make_request(
        environ.get("REQUEST_METHOD", ""),
        path,
        environ.get("QUERY_STRING", ""),
        read_fields(environ),
        read_target(environ),
        _decoded(environ.get("SCRIPT_NAME", "")),
    )
