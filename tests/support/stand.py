"""A directory on a real server, in both modes at once: the request's Host says in which.

python -m tests.support.stand SERVER DIRECTORY PORT

SERVER is uvicorn, uvicorn-h11, granian, granian-wsgi or gunicorn.

With REFRESH in the environment the index is made again every so
many seconds, in each of the server's processes.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles

from .children import become_python

MODES = ("index", "live")
SERVERS = ("uvicorn", "uvicorn-h11", "granian", "granian-wsgi", "gunicorn")


def all_files() -> dict[str, StaticFiles]:
    directory = os.environ["DIRECTORY"]
    files = {mode: StaticFiles(directory, html=True, live=mode == "live") for mode in MODES}
    if every := float(os.environ.get("REFRESH", 0)):
        threading.Thread(target=refresh, args=(files["index"], every), daemon=True).start()
    return files


def refresh(files: StaticFiles, every: float) -> None:
    while True:
        time.sleep(every)
        files.refresh()


def wsgi() -> Any:
    doors = {
        mode: dualstatic.wsgi.StaticMiddleware(files=files) for mode, files in all_files().items()
    }

    def app(environ: Any, start_response: Any) -> Any:
        return doors.get(environ.get("HTTP_HOST", ""), doors["live"])(environ, start_response)

    return app


def asgi() -> Any:
    doors = {
        mode: dualstatic.asgi.StaticMiddleware(files=files) for mode, files in all_files().items()
    }

    async def app(scope: Any, receive: Any, send: Any) -> None:
        host = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1")
        await doors.get(host, doors["live"])(scope, receive, send)

    return app


def command(server: str, port: str) -> list[str]:
    at = ["--host", "127.0.0.1", "--port", port]
    if server.startswith("uvicorn"):
        parser = "h11" if server == "uvicorn-h11" else "httptools"
        return ["uvicorn", "--factory", "tests.support.stand:asgi", "--http", parser, *at, *QUIET]
    if server == "gunicorn":
        workers = ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
        log = ["--log-level", "warning", "--no-control-socket"]
        return [
            "gunicorn",
            "--bind",
            f"127.0.0.1:{port}",
            *workers,
            *log,
            "tests.support.stand:wsgi()",
        ]
    door = "wsgi" if server == "granian-wsgi" else "asgi"
    interface = ["--interface", door, "--factory", "--workers", "1", "--log-level", "warning"]
    return ["granian", *interface, *at, "--http", "1", "--no-ws", f"tests.support.stand:{door}"]


QUIET = ["--no-access-log", "--log-level", "warning"]


def main(server: str, directory: str, port: str) -> None:
    sys.stdout.write(f"http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    os.environ["DIRECTORY"] = directory
    become_python("-m", *command(server, port))


if __name__ == "__main__":
    main(*sys.argv[1:])
