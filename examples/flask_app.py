"""Flask on gunicorn: the site below /static, everything else is the app's.

python examples/flask_app.py [PORT]
"""

import sys
from pathlib import Path

from flask import Flask, request, url_for
from gunicorn.app.base import BaseApplication

from dualstatic import StaticFiles
from dualstatic.wsgi import StaticMiddleware

SITE = Path(__file__).with_name("site")

app = Flask(__name__, static_folder=None)
app.add_url_rule("/static/<path:filename>", endpoint="static", build_only=True)  # for url_for
app.wsgi_app = StaticMiddleware(
    app.wsgi_app,
    files=StaticFiles(SITE, prefix="/static", html=True),
)


@app.get("/")
def index():
    return f'<h1>Flask</h1><p><a href="{url_for("static", filename="")}">The site</a></p>'


@app.post("/api/echo")
def echo():
    return {"length": len(request.get_data()), "text": request.get_data(as_text=True)}


class Gunicorn(BaseApplication):
    """Gunicorn started from Python; `gunicorn flask_app:app` does the same."""

    def __init__(self, application, **settings):
        self.application = application
        self.settings = settings
        super().__init__()

    def load_config(self):
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self):
        return self.application


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/", flush=True)
    Gunicorn(app, bind=f"127.0.0.1:{port}", threads=4, loglevel="warning").run()
