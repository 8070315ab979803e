"""Flask renders the pages, Vite builds their scripts and style sheets. On waitress.

    python examples/flask_vite.py [PORT [DIRECTORY]]

DIRECTORY is where Vite writes, `dist` by default. It may have yet to be made: until then all works
but its files. A later build is served after `kill -USR1`, or at once with FLASK_DEBUG=1 in the
environment. The configuration of Vite has these lines:

    base: "/static/",
    build: { manifest: true, rollupOptions: { input: "src/main.js" } },
"""

import json
import signal
import sys
import threading
from pathlib import Path

import waitress
from flask import Flask, render_template_string, url_for

from dualstatic import StaticFiles, manifests
from dualstatic.wsgi import StaticMiddleware

DIST = Path(sys.argv[2] if len(sys.argv) > 2 else "dist")
MANIFEST = DIST / ".vite/manifest.json"

PAGE = """<!doctype html>
<title>Tides</title>
{% for url in styles %}<link rel="stylesheet" href="{{ url }}">{% endfor %}
<div id="app">{{ "" if script else "Run `npm run build` first." }}</div>
{% if script %}<script type="module" src="{{ script }}"></script>{% endif %}
"""

app = Flask(__name__, static_folder=None)
app.add_url_rule("/static/<path:filename>", endpoint="static", build_only=True)  # for url_for

files = StaticFiles(
    DIST,
    prefix="/static",
    check_dir=False,
    immutable=manifests.vite(MANIFEST),
    live=lambda: app.debug,
)
app.wsgi_app = StaticMiddleware(app.wsgi_app, files=files)


def built(source):
    """The addresses of what Vite has made of a source: a script, and its style sheets."""
    chunk = json.loads(MANIFEST.read_text())[source]
    script, *styles = [
        url_for("static", filename=name) for name in (chunk["file"], *chunk.get("css", []))
    ]
    return {"script": script, "styles": styles}


@app.get("/")
def index():
    return render_template_string(PAGE, **built("src/main.js") if MANIFEST.exists() else {})


@app.get("/api/tides")
def tides():
    return ["06:12", "18:31"]


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    # In a thread: the signal may come in the middle of a refresh, or before the first build.
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=files.refresh).start())
    print(f"http://127.0.0.1:{port}/", flush=True)
    waitress.serve(app, listen=f"127.0.0.1:{port}")
