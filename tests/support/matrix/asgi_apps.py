"""The ASGI apps of the matrix, each with the files in front of it in one of its own ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dualstatic.asgi import StaticMiddleware

from .site import GETS, UPLOAD, echo, make_files, wrap

UNDER_WAY = "/under-way"


class Counted:
    """Counts the requests that the app and the files have not done with."""

    under_way = 0

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        Counted.under_way += scope["type"] == "http"
        try:
            await self.app(scope, receive, send)
        finally:
            Counted.under_way -= scope["type"] == "http"


async def bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    path, status, body = scope["path"].removeprefix(scope.get("root_path", "")), 200, ""
    if scope["method"] == "POST" and path == UPLOAD:
        body = echo(await read(receive))
    elif path == UNDER_WAY:
        body = str(Counted.under_way)
    elif path in GETS:
        body = GETS[path]()
    else:
        status, body = 404, "no such page"
    fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body.encode()})


async def read(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def make_starlette(*, upload: bool = True) -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def post(request: Any) -> Any:
        return PlainTextResponse(echo(await request.body()))

    def page(answer: Callable[[], str]) -> Any:
        return lambda request: PlainTextResponse(answer())

    routes = [Route(path, page(answer)) for path, answer in GETS.items()]
    if upload:
        routes.append(Route(UPLOAD, post, methods=["POST"]))
    return Starlette(routes=routes)


def make_fastapi(*, upload: bool = True) -> Any:
    from fastapi import FastAPI, Request
    from fastapi.responses import PlainTextResponse

    async def post(request: Request) -> str:
        return echo(await request.body())

    post.__annotations__["request"] = Request  # a name of this function only
    app = FastAPI()
    for path, answer in GETS.items():
        app.get(path, response_class=PlainTextResponse)(answer)
    if upload:
        app.post(UPLOAD, response_class=PlainTextResponse)(post)
    return app


def added(app: Any) -> Any:
    for files in make_files().values():
        app.add_middleware(StaticMiddleware, files=files)
    return app


def mounted(app: Any) -> Any:
    for prefix, files in make_files(mounted=True).items():
        app.mount(prefix, StaticMiddleware(files=files))
    return app


def make_litestar(*, upload: bool = True, mounts: Any = (), middleware: Any = ()) -> Any:
    from litestar import Litestar, MediaType, Request, get, post

    def page(path: str, answer: Callable[[], str]) -> Any:
        def view() -> str:
            return answer()

        return get(path, media_type=MediaType.TEXT, sync_to_thread=False)(view)

    async def receive(request: Request) -> str:
        return echo(await request.body())

    receive.__annotations__["request"] = Request  # a name of this function only
    handlers = [page(path, answer) for path, answer in GETS.items()]
    if upload:
        handlers.append(post(UPLOAD, media_type=MediaType.TEXT, status_code=200)(receive))
    return Litestar([*handlers, *mounts], middleware=middleware)


def litestar_own() -> Any:
    app = make_litestar()
    app.asgi_handler = wrap(app.asgi_handler, StaticMiddleware)
    return app


def litestar_mount() -> Any:
    from litestar import asgi

    def mount(prefix: str, door: StaticMiddleware) -> Any:
        async def serve(scope: Any, receive: Any, send: Any) -> None:
            await door(scope, receive, send)

        return asgi(prefix, is_mount=True, copy_scope=True)(serve)

    files = make_files(mounted=True).items()
    doors = [mount(prefix, StaticMiddleware(files=files)) for prefix, files in files]
    return make_litestar(upload=False, mounts=doors)


def litestar_middleware() -> Any:
    layers = [partial(StaticMiddleware, files=files) for files in make_files().values()]
    return make_litestar(middleware=layers)


def make_quart() -> Any:
    from quart import Quart, request

    def page(answer: Callable[[], str]) -> Any:
        async def view() -> str:
            return answer()

        return view

    async def post() -> str:
        return echo(await request.get_data())

    app = Quart(__name__, static_folder=None)
    for path, answer in GETS.items():
        app.add_url_rule(path, path, page(answer))
    app.add_url_rule(UPLOAD, "upload", post, methods=["POST"])
    return app


def quart_own() -> Any:
    app = make_quart()
    app.asgi_app = wrap(app.asgi_app, StaticMiddleware)
    return app


def make_falcon() -> Any:
    import falcon.asgi

    class Page:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        async def on_get(self, req: Any, resp: Any) -> None:
            resp.text = self.answer()

    class Upload:
        async def on_post(self, req: Any, resp: Any) -> None:
            resp.text = echo(await req.stream.read())

    app = falcon.asgi.App()
    for path, answer in GETS.items():
        app.add_route(path, Page(answer))
    app.add_route(UPLOAD, Upload())
    return app


def make_django() -> Any:
    from django.core.asgi import get_asgi_application

    from . import django_site  # noqa: F401 (it configures Django)

    return get_asgi_application()


APPS = {
    "bare": lambda: Counted(wrap(bare, StaticMiddleware)),
    "fastapi": lambda: wrap(make_fastapi(), StaticMiddleware),
    "fastapi add_middleware": lambda: added(make_fastapi()),
    "fastapi mount": lambda: mounted(make_fastapi(upload=False)),
    "starlette": lambda: wrap(make_starlette(), StaticMiddleware),
    "starlette add_middleware": lambda: added(make_starlette()),
    "starlette mount": lambda: mounted(make_starlette(upload=False)),
    "litestar": lambda: wrap(make_litestar(), StaticMiddleware),
    "litestar asgi_handler": litestar_own,
    "litestar mount": litestar_mount,
    "quart": lambda: wrap(make_quart(), StaticMiddleware),
    "quart asgi_app": quart_own,
    "falcon": lambda: wrap(make_falcon(), StaticMiddleware),
    "django": lambda: wrap(make_django(), StaticMiddleware),
}

UNABLE = {"litestar middleware": litestar_middleware}
"""A way in which a framework doesn't let anybody see the path of a request for a file."""
