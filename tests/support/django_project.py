"""Writes a Django project, and runs it: settings of several kinds, on real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .servers import Server, free_port, run, serve
from .trees import write_tree

BASE = """
from pathlib import Path

BASE_DIR = Path(__file__).parents[1]
SECRET_KEY = "x" * 50
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "shop"]
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "collected"
STATICFILES_DIRS = [
    BASE_DIR / "assets",
    ("vendor", BASE_DIR / "vendor"),
    BASE_DIR / "more",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
"""

# Its files are many, but it takes longer to start than all else.
ADMIN = """
CONTRIB = ["admin", "auth", "contenttypes", "messages", "sessions"]
INSTALLED_APPS = [*map("django.contrib.{}".format, CONTRIB), *INSTALLED_APPS]
"""

URLS = """
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path

def page(request, name):
    return HttpResponse(static(name), content_type="text/plain")

urlpatterns = [path("url/<path:name>", page)]
"""

DOOR = """
from django.core.{door} import get_{door}_application
import dualstatic.django

application = get_{door}_application()
from django.conf import settings
if not any(name.startswith("dualstatic") for name in settings.MIDDLEWARE):
    application = dualstatic.django.{door}(application)
"""

RUN = """
import os, sys

settings, server, port, mount, *rest = sys.argv[1:]
os.environ["DJANGO_SETTINGS_MODULE"] = f"mysite.{settings}"
sys.dont_write_bytecode = True
if server == "manage":
    from django.core.management import execute_from_command_line
    execute_from_command_line(["manage.py", *rest])
    sys.exit()
print(f"http://127.0.0.1:{port}/", flush=True)
if server == "uvicorn":
    import uvicorn
    from mysite.asgi import application
    uvicorn.run(
        application, host="127.0.0.1", port=int(port), root_path=mount, log_level="warning"
    )
elif server == "gunicorn":
    from gunicorn.app.base import BaseApplication
    from mysite.wsgi import application

    os.environ["SCRIPT_NAME"] = mount

    class Gunicorn(BaseApplication):
        def load_config(self):
            for name, value in {
                "bind": f"127.0.0.1:{port}", "threads": 4, "control_socket_disable": True
            }.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self):
            return application

    Gunicorn().run()
else:
    from django.core.management import execute_from_command_line
    # Of the admin only the files are wanted: its checks ask for templates and sessions.
    runserver = ["runserver", "--noreload", "--skip-checks", *rest, port]
    execute_from_command_line(["manage.py", *runserver])
"""

# Applications for both doors, and how to ask them; `WRAPPED` is to be replaced.
ASK_EACH_WAY = """
import asyncio
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from werkzeug.test import Client
from tests.support.doors import make_scope
from tests.support.steps import staying
import dualstatic.django

def ask_wsgi(path):
    return Client(wsgi).get(path).status_code

def ask_asgi(path):
    sent = []
    async def send(message):
        sent.append(message)
    asyncio.run(asgi(make_scope("GET", path.encode(), []), staying(), send))
    return sent[0]["status"]
wsgi, asgi = get_wsgi_application(), get_asgi_application()
if WRAPPED:
    wsgi, asgi = dualstatic.django.wsgi(wsgi), dualstatic.django.asgi(asgi)
"""

LIBRARY = "tides();\n" * 100

FILES: dict[str, bytes | str | None] = {
    "mysite/__init__.py": "",
    "mysite/base.py": BASE,
    "mysite/urls.py": URLS,
    "mysite/wsgi.py": DOOR.format(door="wsgi"),
    "mysite/asgi.py": DOOR.format(door="asgi"),
    "run.py": RUN,
    "shop/__init__.py": "",
    "shop/static/shop/app.css": "body { background: url(sea.svg) }",
    "shop/static/shop/sea.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "shop/static/both.txt": "of the app",
    "assets/site.js": "let tide = 'high';\n" * 200,
    "assets/both.txt": "of the assets",
    "assets/vendor/both.js": "of the assets",
    "vendor/lib.js": LIBRARY,
    "vendor/both.js": "of the vendor",
    "more/more.txt": "more",
    "more/größe.txt": "breit",
}


class Project:
    """A project in a directory, whose settings are modules of `mysite`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "collected"
        write_tree(directory, FILES)

    def settings(self, name: str, text: str = "") -> str:
        path = self.directory / f"mysite/{name}.py"
        path.write_text(f"from .base import *\n{text}\n")
        return name

    def manage(self, settings: str, *arguments: str) -> str:
        ran = run(self.directory / "run.py", settings, "manage", "", "", *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def ask(self, settings: str, code: str) -> Any:
        """What the code says as JSON, in a process where Django is set up."""
        head = (
            f"import json, os, sys, warnings; sys.path.insert(0, {str(self.directory)!r})\n"
            "warnings.simplefilter('error')\n"
            f"os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.{settings}'\n"
            "sys.dont_write_bytecode = True\n"
            "import django; django.setup(set_prefix=False)\n"
            "def say(value): print(json.dumps(value))\n"
        )
        ran = run("-c", head + code)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    @contextmanager
    def serve(
        self,
        settings: str,
        server: str,
        *more: str,
        logs: Path,
        mount: str = "",
        calm: bool = True,
    ) -> Iterator[Server]:
        script, port = self.directory / "run.py", str(free_port())
        words = (script, settings, server, port, mount, *more)
        with serve(*words, logs=logs, calm=calm) as started:
            yield started
