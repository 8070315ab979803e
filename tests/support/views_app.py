"""An app of a framework whose views answer with files, run by the tests.

python views_app.py PORT FRAMEWORK DIRECTORY

A GET, HEAD or POST of /file?name=NAME answers with that file, and /save?name=NAME has it saved
under another name, with more fields. Each framework has a page of its own for a 404.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import dualstatic.asgi
import dualstatic.wsgi
from dualstatic import StaticFiles

METHODS = ["GET", "HEAD", "POST"]
OWN = "the app's own 404"
SAVED = {
    "filename": 'Übersicht "2026".pdf',
    "headers": {"Cache-Control": "private, no-cache", "X-More": "more", "Content-Type": "text/x"},
}
SAVED_AS = (
    'attachment; filename="_bersicht _2026_.pdf"; '
    "filename*=UTF-8''%C3%9Cbersicht%20%222026%22.pdf"
)


def make_files(directory: str) -> StaticFiles:
    return StaticFiles(directory, prefix="/not/looked/at", html=True, not_found="404-page")


def make_starlette(files: StaticFiles) -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def file(request: Any) -> Any:
        return dualstatic.asgi.FileResponse(files, request.query_params["name"])

    def save(request: Any) -> Any:
        response = dualstatic.asgi.FileResponse(files, request.query_params["name"], **SAVED)
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    def varying(request: Any) -> Any:
        response = dualstatic.asgi.FileResponse(files, request.query_params["name"])
        response.headers.add_vary_header("Cookie")
        return response

    def not_found(request: Any, error: Any) -> Any:
        return PlainTextResponse(OWN, 404)

    routes = [Route("/file", file, methods=METHODS), Route("/save", save, methods=METHODS)]
    routes.append(Route("/varying", varying))
    return Starlette(routes=routes, exception_handlers={404: not_found})


def make_fastapi(files: StaticFiles) -> Any:
    from fastapi import BackgroundTasks, Depends, FastAPI
    from fastapi.responses import PlainTextResponse

    app, made = FastAPI(), []

    def name_of(name: str) -> str:
        return name

    @app.api_route("/file", methods=METHODS)
    async def file(name: str = Depends(name_of)) -> dualstatic.asgi.FileResponse:
        return dualstatic.asgi.FileResponse(files, name)

    def save(tasks: BackgroundTasks, name: str = Depends(name_of)) -> Any:
        tasks.add_task(made.append, name)
        return dualstatic.asgi.FileResponse(files, name, **SAVED)

    save.__annotations__["tasks"] = BackgroundTasks  # a name of this function only
    app.api_route("/save", methods=METHODS)(save)
    app.get("/made")(lambda: made)
    app.exception_handler(404)(lambda request, error: PlainTextResponse(OWN, 404))
    return app


def make_litestar(files: StaticFiles) -> Any:
    from litestar import Litestar, MediaType, Response, route

    async def file(name: str) -> dualstatic.asgi.FileResponse:
        return dualstatic.asgi.FileResponse(files, name)

    def save(name: str) -> dualstatic.asgi.FileResponse:
        return dualstatic.asgi.FileResponse(files, name, **SAVED)

    def not_found(request: Any, error: Exception) -> Response[str]:
        return Response(OWN, media_type=MediaType.TEXT, status_code=404)

    views = [
        route("/file", http_method=METHODS)(file),
        route("/save", http_method=METHODS, sync_to_thread=True)(save),
    ]
    return Litestar(views, exception_handlers={404: not_found})


def make_quart(files: StaticFiles) -> Any:
    from quart import Quart, request

    app = Quart(__name__, static_folder=None)

    @app.route("/file", methods=METHODS)
    async def file() -> Any:
        return await dualstatic.asgi.FileResponse(files, request.args["name"])

    @app.route("/save", methods=METHODS)
    async def save() -> Any:
        return await dualstatic.asgi.FileResponse(files, request.args["name"], **SAVED)

    @app.errorhandler(404)
    async def not_found(error: Any) -> Any:
        return OWN, 404

    return app


def make_asgi(files: StaticFiles) -> Any:
    from urllib.parse import parse_qs

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            name = parse_qs(scope["query_string"].decode(), keep_blank_values=True)["name"][0]
            more: Any = SAVED if scope["path"] == "/save" else {}
            await dualstatic.asgi.FileResponse(files, name, **more)(scope, receive, send)

    return app


def make_flask(files: StaticFiles) -> Any:
    from flask import Flask, request

    app = Flask(__name__, static_folder=None)

    @app.route("/file", methods=METHODS)
    def file() -> Any:
        return dualstatic.wsgi.FileResponse(files, request.args["name"])

    @app.route("/save", methods=METHODS)
    def save() -> Any:
        return dualstatic.wsgi.FileResponse(files, request.args["name"], **SAVED)

    @app.errorhandler(404)
    def not_found(error: Any) -> Any:
        return OWN, 404

    return app


def make_bottle(files: StaticFiles) -> Any:
    from bottle import Bottle, request

    app = Bottle()

    @app.route("/file", method=METHODS)
    def file() -> Any:
        return dualstatic.wsgi.FileResponse(files, request.query.getunicode("name"))

    @app.route("/save", method=METHODS)
    def save() -> Any:
        return dualstatic.wsgi.FileResponse(files, request.query.getunicode("name"), **SAVED)

    @app.error(404)
    def not_found(error: Any) -> str:
        return OWN

    return app


def make_wsgi(files: StaticFiles) -> Any:
    from urllib.parse import parse_qs

    def app(environ: Any, start_response: Any) -> Any:
        name = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)["name"][0]
        more: Any = SAVED if environ["PATH_INFO"] == "/save" else {}
        return dualstatic.wsgi.FileResponse(files, name, **more)(environ, start_response)

    return app


def make_django(files: StaticFiles) -> dict[str, Callable[[], Any]]:
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="x" * 50,
        MIDDLEWARE=[
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
        ],
    )
    from dualstatic.django import file_response

    def file(request: Any) -> Any:
        return file_response(request, files, request.GET["name"])

    def save(request: Any) -> Any:
        return file_response(request, files, request.GET["name"], **SAVED)

    async def file_async(request: Any) -> Any:
        return await file_response(request, files, request.GET["name"])

    async def save_async(request: Any) -> Any:
        return await file_response(request, files, request.GET["name"], **SAVED)

    def not_found(request: Any, exception: Exception) -> HttpResponse:
        return HttpResponse(OWN, status=404)

    views = {"": (file, save), "async": (file_async, save_async)}[FRAMEWORK.partition(" ")[2]]
    globals()["handler404"] = not_found
    globals()["urlpatterns"] = [path("file", views[0]), path("save", views[1])]
    return get_asgi_application() if SERVER == "uvicorn" else get_wsgi_application()


def run_gunicorn(app: Any) -> None:
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self) -> None:
            options = {"bind": f"127.0.0.1:{PORT}", "threads": 4, "control_socket_disable": True}
            for name in options.keys() & self.cfg.settings.keys():
                self.cfg.set(name, options[name])

        def load(self) -> Any:
            return app

    Server().run()


def run_uvicorn(app: Any) -> None:
    import uvicorn

    uvicorn.run(app, port=PORT, log_level="warning", lifespan="off")


MAKE = {name[5:]: make for name, make in list(globals().items()) if name.startswith("make_")}
RUN = {"gunicorn": run_gunicorn, "uvicorn": run_uvicorn}

if __name__ == "__main__":
    PORT, FRAMEWORK, SERVER = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    directory = sys.argv[4]
    sys.argv[1:] = []  # gunicorn would read them
    sys.stdout.write(f"http://127.0.0.1:{PORT}/\n")
    sys.stdout.flush()
    RUN[SERVER](MAKE[FRAMEWORK.partition(" ")[0]](make_files(directory)))
