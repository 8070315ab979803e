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
from .doors import (
    check_arguments,
    is_logged,
    is_miss,
    make_request,
    with_vary,
)
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
        held = _Held(self.files, environ, path, start_response)
        body = held.ask(app)
        if isinstance(body, Answer):
            return _send(body, held.start_page, self._wrapper(environ))
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
        body = chunks(answer) if answer.has_file else b"".join(answer)
        yield HTTPResponse(body, answer.status, dict(answer.headers))


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
    """Stands between an app and its server until the app has told its status.

    An app may tell it late, when its body is iterated over, and it may have used `write`.
    """

    def __init__(
        self,
        files: StaticFiles,
        environ: WSGIEnvironment,
        path: str,
        start_response: StartResponse,
    ) -> None:
        self._files, self._environ, self._path, self._start = files, environ, path, start_response
        self._exc_info: tuple[OptExcInfo, ...] = ()
        self._page: Answer | Exception | None = None
        self._is_passed_on = self._is_over = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """The server's, unless a page is to take the place of the app's answer."""
        self._drop_page()
        request = None
        if is_miss(self._files, status[:3], headers):
            request = _request(self._environ, self._path)
            if not self._is_passed_on and self._takes_page(request):
                return _write_nothing
            # A cache has to know that another request may get a page.
            headers = with_vary(headers, request)
        is_again, self._is_passed_on = self._is_passed_on, True
        self._exc_info = (exc_info,) if exc_info else ()
        # The server raises the exception, if something has been sent; else a page may be yet.
        write = self._start(status, headers, *self._exc_info)
        return _write_nothing if is_again and request and self._takes_page(request) else write

    def _takes_page(self, request: Request) -> bool:
        """Whether the app's answer gives way: to a page, or to the failure to open one.

        That is raised when the app is done: many an app catches all that is raised in it.
        """
        if not self._is_over:
            try:
                fallback = partial(self._files.fallback, has_app=True)
                self._page = _asked(fallback, request, self._environ)
            except Exception as error:  # noqa: BLE001 (raised as it is)
                self._page = error
        return self._page is not None

    def start_page(self, status: str, headers: list[tuple[str, str]]) -> object:
        """The server's, which has to be told again why there is another status."""
        return self._start(status, headers, *self._exc_info)

    def ask(self, app: WSGIApplication) -> Iterable[bytes] | Answer:
        """The body of the app or, after its 404, the page."""
        try:
            body = self._begun(app(self._environ, self.start_response))
            page, self._is_over = self._page, True
            if page is None:
                return body
            _close(body)
            if isinstance(page, Exception):
                raise page
        except BaseException:
            self._drop_page()
            raise
        return page

    def _begun(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body of an app that has told its status: many an app does so with the first piece."""
        if self._is_passed_on or self._page:
            return body
        try:
            rest = iter(body)
            first = list(islice(rest, 1))
        except BaseException:
            _close(body)
            raise
        return _Body(chain(first, rest), partial(_close, body))

    def _drop_page(self) -> None:
        page, self._page = self._page, None
        if isinstance(page, Answer):
            page.close()


def _write_nothing(data: bytes) -> None:
    """The `write` of an app whose answer nobody gets."""


def _close(chunks: object) -> None:
    if hasattr(chunks, "close"):
        chunks.close()


def _decoded(path: str) -> str:
    # Bytes that aren't UTF-8 become surrogates, and characters that aren't bytes get a backslash:
    # no name has either.
    if path.isascii():
        return path
    return path.encode("latin-1", "backslashreplace").decode("utf-8", "surrogateescape")


def read_target(environ: WSGIEnvironment) -> bytes | None:
    """The request target, as far as the server tells it."""
    raw: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if raw.isascii():  # it takes longer to name a charset
        return raw.encode() or None
    return raw.encode("latin-1", "backslashreplace")


def read_fields(environ: WSGIEnvironment) -> dict[str, str]:
    """The header fields that a decision reads, by their lower-case names."""
    return {name: environ[key] for name, key in _FIELD_KEYS if key in environ}


def _request(environ: WSGIEnvironment, path: str) -> Request:
    return make_request(
        environ.get("REQUEST_METHOD", ""),
        path,
        environ.get("QUERY_STRING", ""),
        read_fields(environ),
        read_target(environ),
        _decoded(environ.get("SCRIPT_NAME", "")),
    )
