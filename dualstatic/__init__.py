"""Static files for the web app that you have, under WSGI and under ASGI."""

from .core.values import Request
from .disk.body import Answer
from .staticfiles import StaticFiles

__all__ = ["Answer", "Request", "StaticFiles"]
__version__ = "0.2.0"
