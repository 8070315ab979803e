"""Files that anybody may upload, and see again on the same site. Flask on gunicorn.

    python examples/uploads.py [PORT [DIRECTORY]]

The first upload makes the directory. No upload can act in the site's name: pages and scripts among
them are saved or shown as text, pictures, sound, video and PDF are shown.
"""

import os
import secrets
import sys
from pathlib import Path

from flask import Flask, redirect, render_template_string, request
from gunicorn.app.base import BaseApplication
from werkzeug.utils import secure_filename

from dualstatic import StaticFiles
from dualstatic.wsgi import StaticMiddleware

UPLOADS = Path(sys.argv[2] if len(sys.argv) > 2 else "uploads")

PAGE = """<!doctype html>
<title>Uploads</title>
<link rel="icon" href="data:,">
<form method="post" enctype="multipart/form-data">
  <input type="file" name="file" multiple> <button>Upload</button>
</form>
<ul>{% for name in names %}<li><a href="/uploads/{{ name }}">{{ name }}</a>{% endfor %}</ul>
"""

app = Flask(__name__, static_folder=None)
app.config["MAX_CONTENT_LENGTH"] = 2**26
app.wsgi_app = StaticMiddleware(app.wsgi_app, files=StaticFiles.uploads(UPLOADS, prefix="/uploads"))


@app.get("/")
def index():
    names = sorted(os.listdir(UPLOADS)) if UPLOADS.exists() else []
    return render_template_string(PAGE, names=[name for name in names if name[0] != "."])


@app.post("/")
def upload():
    UPLOADS.mkdir(parents=True, exist_ok=True)
    for file in filter(None, request.files.getlist("file")):  # one without a name was not chosen
        # No two uploads have one name, and nobody sees a half of one.
        name = f"{secrets.token_hex(4)}-{secure_filename(file.filename)}"
        file.save(UPLOADS / f".{name}")
        os.replace(UPLOADS / f".{name}", UPLOADS / name)
    return redirect("/", 303)


class Gunicorn(BaseApplication):
    """Gunicorn started from Python; `gunicorn uploads:app` does the same."""

    def load_config(self):
        self.cfg.set("bind", f"127.0.0.1:{port}")
        self.cfg.set("threads", 4)
        self.cfg.set("loglevel", "warning")

    def load(self):
        return app


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    sys.argv[1:] = []  # gunicorn would read them
    print(f"http://127.0.0.1:{port}/", flush=True)
    Gunicorn().run()
