"""`dualstatic [DIRECTORY]`: a file server, for the time that it takes to look.

`dualstatic compress DIRECTORY` writes the siblings that a server then sends, `dualstatic keep DIST
STORE` keeps the hashed files of earlier builds, and `dualstatic explain DIRECTORY URL` says why it
sends what it sends.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn
from urllib.parse import quote

from . import StaticFiles, __version__
from .listing import Listed


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, and exit status 2."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}\n")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is served, for the command that serves and that which explains."""
    flag = argparse.BooleanOptionalAction
    parser.add_argument("--prefix", default="/", help="URL path of the directory (%(default)s)")
    parser.add_argument("--html", action=flag, default=True, help="index.html and 404.html")
    parser.add_argument("--live", action=flag, default=True, help="look at the disk each time")
    for name, said in _SWITCHES.items():
        parser.add_argument(name, action="store_true", help=said)


_SWITCHES = {
    "--clean-urls": "serve about.html as /about",
    "--spa": "serve the root's index.html for pages that are not there",
    "--dotfiles": "serve names with a leading dot, too",
    "--follow-symlink": "let links lead out of the directory",
}


def _files(options: argparse.Namespace, kind: type[StaticFiles] = StaticFiles) -> StaticFiles:
    return kind(
        options.directory,
        html=options.html,
        live=options.live,
        prefix=options.prefix,
        clean_urls=options.clean_urls,
        not_found="single-page-application" if options.spa else None,
        dotfiles=options.dotfiles,
        follow_symlink=options.follow_symlink,
    )


def _parser(prog: str) -> _Parser:
    parser = _Parser(
        prog,
        description="Serve the files of a directory.",
        epilog=f"'{prog} compress --help', '{prog} keep --help' and '{prog} explain --help' tell "
        "of the other commands: one writes compressed siblings, one keeps the files of earlier "
        "builds, one says why a URL is answered or not. A directory of such a name is served as "
        "./compress.",
    )
    parser.add_argument("directory", metavar="DIRECTORY", nargs="?", default=os.curdir)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="0 takes a free one (%(default)s)")
    _add_options(parser)
    parser.add_argument("--listing", action="store_true", help="list folders without index.html")
    parser.add_argument("--open", action="store_true", help="show it in a browser")
    parser.add_argument("--asgi", action="store_true", help="use uvicorn, if it is installed")
    parser.add_argument("--version", action="version", version=f"dualstatic {__version__}")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError where there can be none."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket, prefix: str) -> str:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    path = quote(prefix.strip("/"))
    return f"http://{name}:{port}/{path}{'/' if path else ''}"


def _serve_wsgi(files: StaticFiles, listener: socket.socket) -> None:
    from werkzeug.serving import make_server

    from . import wsgi

    host, port = listener.getsockname()[:2]
    app = wsgi.StaticMiddleware(files=files)
    server = make_server(host, port, app, threaded=True, fd=listener.fileno())
    server.serve_forever()


def _serve_asgi(files: StaticFiles, listener: socket.socket) -> None:
    import uvicorn  # it need not be installed

    from . import asgi

    app = asgi.StaticMiddleware(files=files)
    uvicorn.Server(uvicorn.Config(app, log_level="info")).run(sockets=[listener])


def main(arguments: Sequence[str] | None = None, prog: str = "dualstatic") -> None:
    """The command; `prog` is what was typed to start it."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    commands = {"compress": _run, "keep": _run, "explain": _explain}
    if given and given[0] in commands:
        commands[given[0]](given[1:], f"{prog} {given[0]}")
    else:
        _serve(given, prog)


def _explain(arguments: Sequence[str], prog: str) -> None:
    parser = _Parser(prog, description="Say what answers a URL, or why nothing does.")
    parser.add_argument("directory", metavar="DIRECTORY")
    parser.add_argument("url", metavar="URL", help="a URL, or the path of one")
    _add_options(parser)
    options = parser.parse_args(arguments)
    try:
        print(_files(options).explain(options.url))
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _run(arguments: Sequence[str], prog: str) -> None:
    from .compress import command, keep

    module = keep if prog.endswith("keep") else command
    parser = _Parser(prog)
    module.add_arguments(parser)
    try:
        parser.exit(module.run(parser.parse_args(arguments)))
    except command.Refused as error:
        parser.error(str(error))
    except OSError as error:  # what is printed can't be, at the end of Python neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            parser.exit(141)  # as by SIGPIPE
        parser.exit(1, f"{parser.prog}: error: can't print: {error.strerror}\n")


def _serve(arguments: Sequence[str], prog: str) -> None:
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    try:
        if options.asgi:
            import uvicorn  # noqa: F401 (tried before anything is said to be served)
        files = _files(options, Listed if options.listing else StaticFiles)
        listener = _listen(options.host, options.port)
    except ImportError:
        parser.error("--asgi needs uvicorn: pip install uvicorn")
    except (OSError, ValueError) as error:
        parser.error(_reason(error, options))
    with listener:
        url = _url(listener, options.prefix)
        print(f"Serving {os.path.abspath(options.directory)!a} at {url}", flush=True)
        if options.open:  # in a thread: a browser of the terminal ends when its user leaves it
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            (_serve_asgi if options.asgi else _serve_wsgi)(files, listener)


def _reason(error: Exception, options: argparse.Namespace) -> str:
    if isinstance(error, NotADirectoryError | ValueError):
        return str(error)
    reason = error.strerror if isinstance(error, OSError) else error
    return f"can't listen on {options.host} port {options.port}: {reason}"


if __name__ == "__main__":
    main(prog="python -m dualstatic")
