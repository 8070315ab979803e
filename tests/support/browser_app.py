"""Static files in front of an API, and a log of all that was asked: run by the browser's tests.

python browser_app.py PORT (uvicorn | gunicorn) DIRECTORY OPTIONS

The options are those of StaticFiles, as JSON; a "mount" is where all of it is mounted. The API has
/api/tide and, for the tests, /api/log: the method, target and status of every request so far. All
else is its 404, which is JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles

log: list[tuple[str, str, int]] = []


def api(path: str) -> tuple[int, bytes]:
    known: dict[str, Any] = {"/api/tide": {"metres": 2.4}, "/api/log": log}
    if path in known:
        return 200, json.dumps(known[path]).encode()
    return 404, b'{"error": "the API knows no such thing"}'


def wsgi_app(files: StaticFiles) -> Any:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        status, body = api(environ["PATH_INFO"])
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK" if status == 200 else "404 Not Found", fields)
        return [body]

    inner = dualstatic.wsgi.StaticMiddleware(app, files=files)

    def logged(environ: Any, start_response: Any) -> Iterable[bytes]:
        def start(status: str, fields: Any, exc_info: Any = None) -> Any:
            log.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], int(status[:3])))
            return start_response(status, fields, exc_info)

        return inner(environ, start)

    return logged


def asgi_app(files: StaticFiles) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        status, body = api(scope["path"])
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    inner = dualstatic.asgi.StaticMiddleware(app, files=files)

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        async def watch(message: Any) -> None:
            if message["type"] == "http.response.start":
                log.append((scope["method"], scope["path"], message["status"]))
            await send(message)

        await inner(scope, receive, watch)

    return logged


def run_gunicorn(files: StaticFiles, mount: str, port: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in {"bind": f"127.0.0.1:{port}", "threads": 4}.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            app = wsgi_app(files)
            return DispatcherMiddleware(app, {mount: app}) if mount else app

    Server().run()


def run_uvicorn(files: StaticFiles, mount: str, port: int) -> None:
    import uvicorn

    app = asgi_app(files)
    app = Starlette(routes=[Mount(mount, app), Mount("/", app)]) if mount else app
    uvicorn.run(app, port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    number, server, directory, options = sys.argv[1:]
    sys.argv[1:] = []  # gunicorn would read them
    sys.stdout.write(f"http://127.0.0.1:{number}/\n")
    sys.stdout.flush()
    run = {"gunicorn": run_gunicorn, "uvicorn": run_uvicorn}[server]
    given = json.loads(options)
    mount = given.pop("mount", "")
    run(StaticFiles(directory, **given), mount, int(number))
