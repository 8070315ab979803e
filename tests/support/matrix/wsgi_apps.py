"""The WSGI apps of the matrix, each with the files in front of it in one of its own ways."""

from __future__ import annotations

from typing import Any

from dualstatic.wsgi import StaticMiddleware

from .site import GETS, UPLOAD, echo, make_files, wrap


def bare(environ: Any, start_response: Any) -> list[bytes]:
    path, status, body = environ.get("PATH_INFO", ""), "200 OK", ""
    sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["REQUEST_METHOD"] == "POST" and path == UPLOAD:
        body = echo(sent)
    elif path in GETS:
        body = GETS[path]()
    else:
        status, body = "404 Not Found", "no such page"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def make_flask() -> Any:
    from flask import Flask, request

    app = Flask(__name__, static_folder=None)
    for path, answer in GETS.items():
        app.add_url_rule(path, path, answer)
    app.add_url_rule(UPLOAD, "upload", lambda: echo(request.get_data()), methods=["POST"])
    return app


def flask_own() -> Any:
    app = make_flask()
    app.wsgi_app = wrap(app.wsgi_app, StaticMiddleware)
    return app


def make_django() -> Any:
    from django.core.wsgi import get_wsgi_application

    from . import django_site  # noqa: F401 (it configures Django)

    return get_wsgi_application()


def make_falcon() -> Any:
    import falcon

    class Page:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def on_get(self, req: Any, resp: Any) -> None:
            resp.text = self.answer()

    class Upload:
        def on_post(self, req: Any, resp: Any) -> None:
            resp.text = echo(req.bounded_stream.read())

    app = falcon.App()
    for path, answer in GETS.items():
        app.add_route(path, Page(answer))
    app.add_route(UPLOAD, Upload())
    return app


def make_bottle(*, upload: bool = True) -> Any:
    from bottle import Bottle, request

    app = Bottle()
    for path, answer in GETS.items():
        app.route(path, "GET", answer)
    if upload:
        app.route(UPLOAD, "POST", lambda: echo(request.body.read()))
    return app


def bottle_mount() -> Any:
    app = make_bottle(upload=False)
    for prefix, files in make_files(mounted=True).items():
        app.mount(prefix, StaticMiddleware(files=files))
    return app


def pyramid_config(*, upload: bool = True) -> Any:
    from pyramid.config import Configurator
    from pyramid.response import Response

    config = Configurator()
    for path, answer in GETS.items():
        config.add_route(path, path)
        view = lambda request, answer=answer: Response(answer())  # noqa: E731
        config.add_view(view, route_name=path)
    if upload:
        config.add_route("upload", UPLOAD, request_method="POST")
        config.add_view(lambda request: Response(echo(request.body)), route_name="upload")
    return config


def pyramid_view() -> Any:
    from pyramid.wsgi import wsgiapp2

    config = pyramid_config(upload=False)
    for prefix, files in make_files(mounted=True).items():
        config.add_route(prefix, f"{prefix}*subpath")
        config.add_view(wsgiapp2(StaticMiddleware(files=files)), route_name=prefix)
    return config.make_wsgi_app()


APPS = {
    "bare": lambda: wrap(bare, StaticMiddleware),
    "flask": lambda: wrap(make_flask(), StaticMiddleware),
    "flask wsgi_app": flask_own,
    "django": lambda: wrap(make_django(), StaticMiddleware),
    "falcon": lambda: wrap(make_falcon(), StaticMiddleware),
    "bottle": lambda: wrap(make_bottle(), StaticMiddleware),
    "bottle mount": bottle_mount,
    "pyramid": lambda: wrap(pyramid_config().make_wsgi_app(), StaticMiddleware),
    "pyramid wsgiapp2": pyramid_view,
}
