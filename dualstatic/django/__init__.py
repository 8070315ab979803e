"""Django's door: static files as its settings name them, for wsgi.py, asgi.py or MIDDLEWARE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import wsgi as wsgi_door
from .checks import served
from .middleware import StaticMiddleware, file_response
from .settings import Option, refresh, script_name, static_files
from .storage import CompressedManifestStaticFilesStorage, CompressedStaticFilesStorage

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from ..asgi import ASGIApp
    from ..asgi_sending import Receive, Scope, Send

__all__ = [
    "CompressedManifestStaticFilesStorage",
    "CompressedStaticFilesStorage",
    "StaticMiddleware",
    "asgi",
    "file_response",
    "refresh",
    "static_files",
    "wsgi",
]


def wsgi(
    application: WSGIApplication, *, file_wrapper: bool = True, **options: Option
) -> WSGIApplication:
    """The application with the static files before it, for wsgi.py. Options: see `static_files`."""
    for files in reversed(served(**options)):
        application = wsgi_door.StaticMiddleware(
            application, files=files, file_wrapper=file_wrapper
        )
    return application


def asgi(
    application: ASGIApp, *, pathsend: bool = False, zerocopysend: bool = False, **options: Option
) -> ASGIApp:
    """The application with the static files before it, for asgi.py. Options: see `static_files`."""
    from ..asgi import StaticMiddleware as Door  # here, so that wsgi.py loads no event loop

    for files in reversed(served(**options)):
        application = Door(application, files=files, pathsend=pathsend, zerocopysend=zerocopysend)
    mount = script_name()
    return _mounted(application, mount) if mount else application


def _mounted(application: ASGIApp, mount: str) -> ASGIApp:
    """The application below FORCE_SCRIPT_NAME, which may be part of the path under ASGI.

    Django takes it off the path, whatever the server says of a `root_path`; so do the files.
    """

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "root_path": mount}
        await application(scope, receive, send)

    return mounted
