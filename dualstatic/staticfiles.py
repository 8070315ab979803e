"""StaticFiles: what is served and how, with all options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from . import options as check
from .core.values import Request
from .disk.body import Answer
from .explain import explain, log_miss, request_for
from .site import Site


class StaticFiles:
    """What is served, and how. Put it behind one of the two `StaticMiddleware`.

    :param directory: a path, or several: what an earlier one has hides the same name in a later one
    :param packages: installed packages, or pairs of a package and its folder (`statics`)
    :param html: serve `index.html` for directories, and `404.html` for misses where no app is
    :param check_dir: raise now if a directory is missing; False: ask the app first until it is
        there, and raise at a request below the prefix that the app answers with 404
    :param follow_symlink: let links lead out of the directory
    :param prefix: the decoded URL path of the directory, below the mount point
    :param live: look at the disk at each request; otherwise names are read once, see `refresh`. A
        function is asked once, at the first request below the prefix, when an index is made, too
    :param dotfiles: serve names that begin with a dot, not `.well-known` alone
    :param encodings: content codings whose siblings are looked for: zstd, br, gzip
    :param stored_encodings: suffixes of files that are stored compressed and asked for by their own
        name, with their content codings: `{".br": "br", ".svgz": "gzip"}`
    :param dictionaries: let immutable files offer themselves as dictionaries for their next
        version, and send the deltas that `compress --previous` writes (RFC 9842)
    :param previous: a directory of earlier files, which `keep` fills: asked last, and for immutable
        names only
    :param cache_control: a Cache-Control, or a function from a file's name to one or None
    :param immutable: names that never change: a regular expression, or a function of the name
    :param headers: more fields: a mapping, or a function from a file's name to one
    :param media_types: media types by suffix (`.ext`) or by whole file name
    :param charset: the charset of `text/*`, or None
    :param memory: bytes of files kept in memory, 0 for none; not in live mode
    :param clean_urls: serve `about.html` as `/about`; with the index pages and redirects of `html`
    :param not_found: what a navigation gets that nobody, the app included, has an answer for:
        "404-page", the nearest `404.html`, or "single-page-application", the root's `index.html`,
        or a page below the directory, such as "/200.html"; or a function from the path of the
        request (below the mount point, with the prefix) to one of these, or None. An app's 405
        counts as no answer, unless it allows GET
    :param offload: the field by which a server in front is told to send a file: "X-Sendfile", or
        "X-Accel-Redirect: /path", below which nginx has the directory

    :raises TypeError, ValueError: an option is wrong; the message names it, and what it takes
    :raises NotADirectoryError: a directory is missing; the same error is a RuntimeError
    """

    def __init__(
        self,
        directory: check.StrPath | Sequence[check.StrPath] | None = None,
        *,
        packages: Sequence[str | tuple[str, str]] | None = None,
        html: bool = False,
        check_dir: bool = True,
        follow_symlink: bool = False,
        prefix: str = "/",
        live: bool | Callable[[], bool] = False,
        dotfiles: bool = False,
        encodings: Sequence[str] = ("zstd", "br", "gzip"),
        stored_encodings: Mapping[str, str] | None = None,
        dictionaries: bool = False,
        previous: check.StrPath | None = None,
        cache_control: str | Callable[[str], str | None] | None = "no-cache",
        immutable: str | re.Pattern[str] | Callable[[str], bool] | None = None,
        headers: check.Headers = None,
        media_types: Mapping[str, str] | None = None,
        charset: str | None = "utf-8",
        memory: int = 2**26,
        clean_urls: bool = False,
        not_found: str | Callable[[str], str | None] | None = None,
        offload: str | None = None,
    ) -> None:
        self._start({name: value for name, value in locals().items() if name != "self"})

    def _start(self, given: Mapping[str, Any], *, of_uploads: bool = False) -> None:
        self.site = Site(check.Settings(given, of_uploads=of_uploads))
        if check.flag("check_dir", given["check_dir"]):
            self.refresh()

    @classmethod
    def uploads(
        cls,
        directory: check.StrPath | Sequence[check.StrPath],
        *,
        prefix: str,
        **options: Any,  # noqa: ANN401
    ) -> StaticFiles:
        """The same for a directory where strangers write, such as one of uploads.

        It is looked at at each request, and may have yet to be made. No file answers for another.
        No file can act in the site's name, whatever the other options say of its media type: each
        has `Content-Security-Policy: sandbox` (but for PDF, whose viewers run no page) and nosniff.
        Images, sound, video, fonts, PDF, JSON and plain text are shown in place, all else is saved
        (`Content-Disposition: attachment`). Scripts and style sheets are plain text: a page of the
        site could be made to load them. Let the prefix be a folder's: at the root of a host, names
        such as `robots.txt` and `.well-known` speak for the site.

        :param options: cache_control, charset, dotfiles, follow_symlink, headers, immutable and
            media_types, as of the class

        :raises TypeError, ValueError: an option is wrong, or none of these; the message names it
        """
        files, defaults = cls.__new__(cls), StaticFiles.__init__.__kwdefaults__ or {}
        given = {"directory": directory, "prefix": prefix, **check.options_of_uploads(options)}
        files._start({**defaults, **given}, of_uploads=True)
        return files

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError(
            "StaticFiles is not an app: give it to a StaticMiddleware, as in "
            "dualstatic.asgi.StaticMiddleware(app, files=...) or dualstatic.wsgi.StaticMiddleware"
        )

    def refresh(self) -> None:
        """Look at the directories again, from any thread, but not in a handler of a signal.

        An index is made anew and swapped in when it is whole; if that fails, it raises and the old
        one stays. In live mode what is remembered of files is forgotten.

        :raises NotADirectoryError: a directory is missing
        """
        self.site.refresh(may_be_missing=self.site.settings.policies.of_uploads)

    def __repr__(self) -> str:
        return f"<StaticFiles: {self.site}>"

    def explain(self, path: str) -> str:
        """One sentence: what answers a path, or why nothing does, and the way out.

        :param path: a URL, or its path as it stands in one: percent-encoded, below the mount point,
            with the prefix. A query and a fragment are left away
        """
        if not isinstance(path, str):
            raise TypeError(f"explain takes a URL, or its path, not {path!r}")
        return explain(self.site, request_for(path))

    def url(self, name: str) -> str:
        """The address of a file: prefix, name, and `?v=` with a part of its content's hash.

        Asked for so it is immutable (RFC 8246) for as long as that is its content; with another
        version, as after a change, it is as without. A `private` of `cache_control` stays. What is
        over 64 MiB has no hash, and its address no version. Below a mount point, put that in front
        (Flask's `request.script_root`, `request.base_url.path.rstrip("/")` of Starlette).

        The first use of a file reads it; from then on an index does without the disk. Live, each
        use looks at it.

        :raises FileNotFoundError: there is no such file
        :raises NotADirectoryError: a directory is missing, where `check_dir` is False
        """
        if not isinstance(name, str):
            raise TypeError(f"url takes the name of a file below the directory, not {name!r}")
        path = self.site.path_of(name.removeprefix("/"))
        address = self.site.url(path)
        if address is None:
            why = explain(self.site, Request("GET", path))
            raise FileNotFoundError(f"url takes the name of a file, and {why}")
        return address

    def answer(self, request: Request, *, wait: bool = True) -> Answer | None:
        """The answer to a request, with its file open; None: the request is the app's to answer.

        It is None, too, while a directory is missing and `check_dir` is False.

        Close the answer after use. With `wait=False` this does what needs no wait for the disk (the
        bytes are in memory, or Linux has what is asked for in its cache) and else raises
        BlockingIOError: ask again in a thread then.

        :raises BlockingIOError: `wait` is False, and the disk has to be waited for
        :raises OSError: the machine's own trouble, such as too many open files
        """
        answer = self.site.answer(request, wait=wait)
        if answer is None:
            log_miss(self.site, request, wait=wait)
        return answer

    def fallback(self, request: Request, *, has_app: bool, wait: bool = True) -> Answer | None:
        """What a request gets that neither `answer` nor the app has an answer for.

        With an app it is the page that `not_found` asks for, or None: the app's own answer stays.
        Without one it is never None: 405 where the name exists (RFC 9110 section 15.5.6), else the
        page of `not_found`, or a page or a text with 404. `wait` and what is raised are as for
        `answer`.

        :raises NotADirectoryError: a directory is missing, where `check_dir` is False; ask also if
            there is no `not_found`, so that this is told; the same error is a RuntimeError
        """
        return self.site.fallback(request, has_app=has_app, wait=wait)
