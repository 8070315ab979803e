"""Static files for the web app that you have, under WSGI and under ASGI."""

from .core.values import Request, Response
from .disk.body import Body, FileChanged
from .staticfiles import StaticFiles

__all__ = ["Body", "FileChanged", "Request", "Response", "StaticFiles"]
__version__ = "0.1.0"
