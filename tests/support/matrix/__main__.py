"""One app on one server, at the root or at a mount point of the server's.

python -m tests.support.matrix SERVER APP DIRECTORY PORT [MOUNT [HTTP]]

Each server has one process and, where it has threads, four of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.support.children import become_python

NAME = "tests.support.matrix.application"
APP = f"{NAME}:application"


def gunicorn(worker: str, port: str, mount: str, *more: str) -> list[str]:
    os.environ["SCRIPT_NAME"] = mount
    log = ["--log-level", "warning", "--no-control-socket"]
    root = ["--root-path", mount] if worker == "asgi" else []
    threads = ["--threads", "4"] if worker == "gthread" else []
    workers = ["--worker-class", worker, "--workers", "1", *threads]
    return ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *workers, *root, *log, *more, APP]


def uwsgi(port: str, mount: str) -> list[str]:
    mounted = ["--mount", f"{mount}={NAME}:application", "--manage-script-name"]
    app = mounted if mount else ["--module", APP]
    quiet = ["--disable-logging", "--need-app", "--die-on-term"]
    at = ["--http11-socket", f"127.0.0.1:{port}", "--threads", "4", "--virtualenv", sys.prefix]
    return [*at, *app, *quiet]


def waitress(port: str, mount: str) -> list[str]:
    prefix = ["--url-prefix", mount] if mount else []
    return ["-m", "waitress", "--listen", f"127.0.0.1:{port}", *prefix, APP]


def uvicorn(http: str, loop: str, port: str, mount: str) -> list[str]:
    how = ["--http", http, "--loop", loop, "--root-path", mount]
    quiet = ["--no-access-log", "--log-level", "warning"]
    return ["-m", "uvicorn", "--host", "127.0.0.1", "--port", port, *how, *quiet, APP]


def hypercorn(worker: str, port: str, mount: str) -> list[str]:
    how = ["--worker-class", worker, "--workers", "0"]  # it is the worker, and starts no Python
    how += ["--root-path", mount, "--log-level", "warning"]
    return ["-m", "hypercorn", "--bind", f"127.0.0.1:{port}", *how, APP]


def granian(door: str, port: str, mount: str, http: str = "1") -> list[str]:
    how = ["--interface", door, "--workers", "1", "--log-level", "warning", "--http", http]
    prefix = ["--url-path-prefix", mount] if mount else []
    return ["-m", "granian", "--host", "127.0.0.1", "--port", port, *how, *prefix, "--no-ws", APP]


def daphne(port: str, mount: str) -> list[str]:
    how = ["--root-path", mount, "--verbosity", "0"]
    return ["-m", "daphne", "--bind", "127.0.0.1", "--port", port, *how, APP]


COMMANDS: dict[str, Any] = {
    "gunicorn sync": lambda *at: gunicorn("sync", *at),
    "gunicorn gthread": lambda *at: gunicorn("gthread", *at),
    "gunicorn asgi": lambda *at: gunicorn("asgi", *at),
    "waitress": waitress,
    "uvicorn h11": lambda *at: uvicorn("h11", "asyncio", *at),
    "uvicorn httptools": lambda *at: uvicorn("httptools", "asyncio", *at),
    "uvicorn uvloop": lambda *at: uvicorn("httptools", "uvloop", *at),
    "hypercorn asyncio": lambda *at: hypercorn("asyncio", *at),
    "hypercorn trio": lambda *at: hypercorn("trio", *at),
    "granian wsgi": lambda *at: granian("wsgi", *at),
    "granian asgi": lambda *at: granian("asgi", *at),
    "daphne": daphne,
}


H2 = ("--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge")
OVER_HTTP2: dict[str, Any] = {
    "gunicorn asgi": lambda *at: gunicorn("asgi", *at, *H2),
    "hypercorn asyncio": COMMANDS["hypercorn asyncio"],
    "hypercorn trio": COMMANDS["hypercorn trio"],
    "granian asgi": lambda *at: granian("asgi", *at, "auto"),
    "granian wsgi": lambda *at: granian("wsgi", *at, "auto"),
}
"""The same for HTTP/2 on a clear connection, which the client begins without asking."""


def run_cheroot(app: Any, port: int, mount: str) -> None:
    from cheroot.wsgi import PathInfoDispatcher, Server

    mounted = PathInfoDispatcher({mount: app}) if mount else app
    Server(("127.0.0.1", port), mounted, numthreads=4).safe_start()


def run_werkzeug(app: Any, port: int, mount: str) -> None:
    import logging

    from werkzeug.exceptions import NotFound
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.serving import run_simple

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    mounted = DispatcherMiddleware(NotFound(), {mount: app}) if mount else app
    run_simple("127.0.0.1", port, mounted, threaded=True)


PROGRAMS = {"cheroot": run_cheroot, "werkzeug": run_werkzeug}
ASGI = ("uvicorn", "hypercorn", "daphne", "gunicorn asgi", "granian asgi")
SERVERS = (*COMMANDS, "uwsgi", *PROGRAMS)


def main(
    server: str, app: str, directory: str, port: str, mount: str = "", http: str = "1"
) -> None:
    sys.stdout.write(f"http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    door = "asgi" if server.startswith(ASGI) else "wsgi"
    os.environ.update(DIRECTORY=directory, APP=app, DOOR=door)
    if server in PROGRAMS:
        from .application import application

        PROGRAMS[server](application, int(port), mount)
    elif server == "uwsgi":
        program = str(Path(sys.executable).with_name("uwsgi"))
        os.execv(program, [program, *uwsgi(port, mount)])
    else:
        commands = OVER_HTTP2 if http == "2" else COMMANDS
        become_python(*commands[server](port, mount))


if __name__ == "__main__":
    main(*sys.argv[1:])
