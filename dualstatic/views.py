"""What a view answers with: a file, whatever the request's own path is."""

from __future__ import annotations

from . import options
from .core.downloads import attachment
from .core.values import Fields, Request
from .disk.body import Answer
from .doors import check_files
from .explain import log_miss
from .staticfiles import StaticFiles


class FileOfView:
    """The file that a view answers with; each door has its own way to send the answer."""

    def __init__(
        self,
        files: StaticFiles,
        name: str,
        *,
        filename: str | None = None,
        headers: options.Headers = None,
    ) -> None:
        """Name the file; it is looked up when the request is answered.

        `name` is that of a file below the directory of `files`, whatever the path of the request.
        It may come from a client: it can't lead out. Conditions, ranges, and the options on a
        file's bytes and fields count as anywhere, but for `immutable` and `dictionaries`. A file
        that isn't there is the framework's own 404.

        :param filename: the name under which the file is to be saved (RFC 6266): any text
        :param headers: more fields, or a function from `name` to them; they are the strongest,
            but for those that make uploads safe

        :raises TypeError, ValueError: an argument is wrong; the message names it, and what it takes
        """
        check_files(files)
        if not isinstance(name, str):
            raise TypeError(f"name takes that of a file below the directory, not {name!r}")
        if not isinstance(filename, str | None):
            raise TypeError(f"filename takes the name to save the file under, not {filename!r}")
        self._files, self._path, self._name = files, files.site.path_of(name), name
        self._disposition = {"content-disposition": attachment(filename)} if filename else {}
        self._more, self._asks = options.headers(headers), callable(headers)

    def _fields(self) -> Fields:
        return tuple({**self._disposition, **dict(self._more(self._name))}.items())

    def answer(self, request: Request, *, wait: bool = True) -> Answer | None:
        """As `StaticFiles.answer`, whatever the path of the request; None: there is no such file.

        Conditions and ranges are for GET and HEAD (RFC 9110 sections 13.1 and 14.2): to any other
        method it is the whole file.
        """
        if self._asks and not wait:
            raise BlockingIOError("a function among the arguments is asked")
        method, headers = request.method, request.headers
        if method not in ("GET", "HEAD"):
            method, headers = "GET", {k: v for k, v in headers.items() if k == "accept-encoding"}
        request = Request(method, self._path, headers=headers)
        answer = self._files.site.answer_with_file(request, self._fields, wait=wait)
        if answer is None:
            log_miss(self._files.site, request, "no file for a view:", wait=wait)
        return answer

    def not_found(self, request: Request, *, wait: bool = True) -> Answer | None:
        """The 404, for an app whose framework has none."""
        method = "HEAD" if request.method == "HEAD" else "GET"
        request = Request(method, self._path, headers=request.headers)
        return self._files.fallback(request, has_app=False, wait=wait)
