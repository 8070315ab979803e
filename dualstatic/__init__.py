"""Static files in front of any Python web app."""

from .core.values import Request, Response
from .disk.body import Body, FileChanged
from .staticfiles import StaticFiles

__all__ = ["Body", "FileChanged", "Request", "Response", "StaticFiles"]
__version__ = "0.1.0"
