"""An app with static files behind a server, run by the tests.

python served_app.py (uvicorn | gunicorn) DIRECTORY PORT

Each answer says which process it is from. A GET of /refresh refreshes there. Under gunicorn the app
is loaded before the fork of two workers, by a master in which a thread goes on refreshing.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from typing import Any

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles


def wsgi_app(files: StaticFiles) -> Any:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        files.refresh()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "10")])
        return [b"refreshed\n"]

    inner = dualstatic.wsgi.StaticMiddleware(app, files=files)

    def outer(environ: Any, start_response: Any) -> Iterable[bytes]:
        def start(status: str, fields: Any) -> Any:
            return start_response(status, [*fields, ("X-Process", str(os.getpid()))])

        return inner(environ, start)

    return outer


def run_gunicorn(files: StaticFiles, port: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            options = {"bind": f"127.0.0.1:{port}", "workers": 2, "preload_app": True}
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            def refresh() -> None:
                while True:
                    files.refresh()

            threading.Thread(target=refresh, daemon=True).start()
            return wsgi_app(files)

    Server().run()


def run_uvicorn(files: StaticFiles, port: int) -> None:
    import uvicorn

    uvicorn.run(dualstatic.asgi.StaticMiddleware(files=files), port=port, log_level="warning")


if __name__ == "__main__":
    server, directory, port = sys.argv[1:]
    sys.argv[1:] = []  # gunicorn would read them
    sys.stdout.write(f"http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    run = {"gunicorn": run_gunicorn, "uvicorn": run_uvicorn}[server]
    run(StaticFiles(directory), int(port))
