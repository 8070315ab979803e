"""FastAPI on uvicorn, with the site twice: mounted at /static, and by a middleware below /site.

    python examples/fastapi_app.py [PORT]

A mount answers its own misses, with the site's 404 page; the middleware leaves them to the app.
"""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from dualstatic import StaticFiles
from dualstatic.asgi import StaticMiddleware

SITE = Path(__file__).with_name("site")

app = FastAPI()
app.mount("/static", StaticMiddleware(files=StaticFiles(SITE, html=True)))
app.add_middleware(
    StaticMiddleware,
    files=StaticFiles(SITE, prefix="/site", html=True),
)


@app.get("/", response_class=HTMLResponse)
async def index():
    return '<h1>FastAPI</h1><p><a href="static/">Mounted</a>, <a href="site/">middleware</a></p>'


@app.post("/api/echo")
async def echo(request: Request):
    body = await request.body()
    return {"length": len(body), "text": body.decode()}


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
