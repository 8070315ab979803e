"""The app that the environment names, as a server imports it."""

from __future__ import annotations

import os

from . import asgi_apps, wsgi_apps

apps = asgi_apps.APPS | asgi_apps.UNABLE if os.environ["DOOR"] == "asgi" else wsgi_apps.APPS
application = apps[os.environ["APP"]]()
