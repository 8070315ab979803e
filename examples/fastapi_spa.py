"""A single-page application at `/` and its API below `/api`. FastAPI on uvicorn.

    python examples/fastapi_spa.py [PORT [DIRECTORY]]

DIRECTORY is where Vite writes (`build: { manifest: true }`), `dist` by default. It may have yet to
be made: until then the API works. A later build is served after `kill -USR1`, or at once with DEBUG
in the environment.
"""

import os
import signal
import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException

from dualstatic import StaticFiles, manifests
from dualstatic.asgi import StaticMiddleware

DIST = Path(sys.argv[2] if len(sys.argv) > 2 else "dist")
TIDES = {"brest": ["06:12", "18:31"], "cork": ["07:40", "20:02"]}

app = FastAPI(debug="DEBUG" in os.environ)


def not_found(path):
    """A reload of one of the application's own routes is a page, what the API lacks is none."""
    return None if path.startswith("/api/") else "single-page-application"


files = StaticFiles(
    DIST,
    html=True,
    not_found=not_found,
    check_dir=False,
    immutable=manifests.vite(DIST / ".vite/manifest.json"),
    live=app.debug,
)
app.add_middleware(StaticMiddleware, files=files)


@app.get("/api/tides/{port}")
def tides(port: str):
    if port not in TIDES:
        raise HTTPException(404, f"there is no port {port!r}")
    return TIDES[port]


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    # In a thread: the signal may come in the middle of a refresh, or before the first build.
    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=files.refresh).start())
    print(f"http://127.0.0.1:{port}/", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
