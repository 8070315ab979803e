"""Addresses that change with the content, without a build. Starlette and Jinja on uvicorn.

    python examples/versioned_urls.py [PORT]

Caches keep these files for good: a changed file has another address. The page has one address by a
function of the template, and one by `url_for`.
"""

import sys
from pathlib import Path

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.templating import Jinja2Templates

from dualstatic import StaticFiles
from dualstatic.asgi import StaticMiddleware

SITE = Path(__file__).with_name("site")

PAGE = """<!doctype html>
<title>Versions</title>
<link rel="stylesheet" href="{{ request.base_url.path.rstrip('/') }}{{ static('css/style.css') }}">
<img src="{{ url_for('media', path=media('logo.svg')) }}" alt="">
"""

static = StaticFiles(SITE, prefix="/static")
media = StaticFiles(SITE / "img")

templates = Jinja2Templates(
    env=jinja2.Environment(loader=jinja2.DictLoader({"index.html": PAGE}), autoescape=True)
)
templates.env.globals.update(static=static.url, media=media.url)


def index(request):  # not async: in a thread, since the first use of an address reads its file
    return templates.TemplateResponse(request, "index.html")


routes = [
    Route("/", index),
    Mount("/media", StaticMiddleware(files=media), name="media"),
]
app = Starlette(routes=routes)
app.add_middleware(StaticMiddleware, files=static)

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
