"""The whole public API, used as users use it, for the type checker to read. It is never run."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dualstatic.asgi
import dualstatic.django
import dualstatic.wsgi
from dualstatic import Answer, Request, StaticFiles, manifests

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from dualstatic.asgi import ASGIApp


def cache_control(name: str) -> str | None:
    return "max-age=60" if name.endswith(".css") else None


def immutable(name: str) -> bool:
    return ".min." in name


def headers(name: str) -> Mapping[str, str]:
    return {"X-Name": name} if name.isascii() else {}


def perhaps_headers(name: str) -> dict[str, str] | None:
    return {"Access-Control-Allow-Origin": "*"} if name.endswith(".woff2") else None


SMALLEST = StaticFiles("public")
UPLOADS: StaticFiles = StaticFiles.uploads(Path("uploads"), prefix="/u", cache_control="private")
FILES: list[StaticFiles] = [
    StaticFiles(Path("public")),
    StaticFiles(["public", "dist"], html=True),
    StaticFiles((Path("public"), "dist")),
    StaticFiles(directory="public", prefix="/static"),
    StaticFiles(packages=["django.contrib.admin", ("package", "assets")]),
    StaticFiles("public", packages=[("package", "assets")]),
    StaticFiles("public", cache_control="no-store", immutable=r"\.[0-9a-f]{8}\.", headers={}),
    StaticFiles("public", cache_control=None, immutable=re.compile("x"), headers=None),
    StaticFiles("public", cache_control=cache_control, immutable=immutable, headers=headers),
    StaticFiles("public", cache_control=lambda name: name or None, headers=perhaps_headers),
    StaticFiles("dist", immutable=manifests.vite(Path("dist/.vite/manifest.json"), folder="app")),
    StaticFiles("dist", immutable=manifests.webpack("manifest.json", public_path="/", folder="")),
    StaticFiles("root", immutable=manifests.django("root/staticfiles.json")),
    StaticFiles("dist", live=lambda: True, not_found="/200.html"),
    StaticFiles("dist", not_found=lambda path: None if path.startswith("/api/") else "404-page"),
    StaticFiles(
        "public",
        packages=None,
        html=True,
        check_dir=False,
        follow_symlink=True,
        prefix="static",
        live=True,
        dotfiles=True,
        memory=2**20,
        clean_urls=True,
        not_found="404-page",
        offload="X-Sendfile",
        encodings=["gzip"],
        stored_encodings={".br": "br"},
        dictionaries=True,
        previous="store",
        media_types={".foo": "text/x-foo", "LICENSE": "text/plain"},
        charset=None,
    ),
]


def third_adapter(files: StaticFiles, method: str, path: str) -> tuple[int, list[bytes]] | None:
    """What an adapter outside the package does."""
    request = Request(method, path, query="a=b", headers={"range": "bytes=0-1"}, raw_path=b"/")
    answer = files.answer(request) or files.fallback(request, has_app=False)
    if answer is None:
        return None
    with answer as opened:
        chunks: Iterable[bytes] = opened
        return opened.status, list(chunks)


def without_waiting(files: StaticFiles, request: Request) -> Answer | None:
    try:
        return files.answer(request, wait=False) or files.fallback(
            request, has_app=True, wait=False
        )
    except BlockingIOError:
        return files.answer(request, wait=True)


def parts_of(answer: Answer) -> tuple[int, dict[str, str], int]:
    names: tuple[tuple[str, str], ...] = answer.headers
    size = sum(len(chunk) for chunk in answer)
    answer.close()
    return answer.status, dict(names), size


def read(request: Request) -> tuple[str, str, str, Mapping[str, str], bytes | None]:
    return request.method, request.path, request.query, request.headers, request.raw_path


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the app"]


async def asgi_app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})


def doors(files: StaticFiles) -> None:
    alone: WSGIApplication = dualstatic.wsgi.StaticMiddleware(files=files)
    inner: WSGIApplication = dualstatic.wsgi.StaticMiddleware(wsgi_app, files=files)
    dualstatic.wsgi.StaticMiddleware(inner, files=SMALLEST, file_wrapper=False)
    dualstatic.wsgi.StaticMiddleware(app=None, files=files)
    dualstatic.wsgi.StaticMiddleware(alone, files=files)
    nested = dualstatic.asgi.StaticMiddleware(asgi_app, files=files)
    dualstatic.asgi.StaticMiddleware(nested, files=SMALLEST, pathsend=True, zerocopysend=True)
    dualstatic.asgi.StaticMiddleware(files=files)
    files.refresh()
    files.explain("/app.css").upper()
    files.url("app.css").upper()


def views(files: StaticFiles, name: str) -> tuple[ASGIApp, WSGIApplication]:
    dualstatic.django.file_response(None, files, name, filename=name, headers=headers)
    return (
        dualstatic.asgi.FileResponse(files, name, filename="über.pdf", headers={"X-More": "more"}),
        dualstatic.wsgi.FileResponse(files, name, filename=None, headers=headers),
    )


def django_doors() -> list[StaticFiles]:
    inner: WSGIApplication = dualstatic.django.wsgi(wsgi_app, file_wrapper=False, html=True)
    dualstatic.django.wsgi(inner)
    nested = dualstatic.django.asgi(asgi_app, pathsend=True, zerocopysend=True, memory=0)
    dualstatic.django.asgi(nested, finders=True, files=[SMALLEST])
    dualstatic.django.refresh()
    return dualstatic.django.static_files(files=SMALLEST)
