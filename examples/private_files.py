"""Files behind a login, each user's own. FastAPI on uvicorn.

    python examples/private_files.py [PORT [DIRECTORY]]

The directory has a folder for each user. Log in as ada with the password "tide", or as grace with
"moon". Whatever name is asked for, nobody gets out of the own folder: no file has a name with
".." in it.
"""

import secrets
import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from dualstatic import StaticFiles
from dualstatic.asgi import FileResponse

PASSWORDS = {"ada": "tide", "grace": "moon"}
DIRECTORY = Path(sys.argv[2] if len(sys.argv) > 2 else "private")

# "private" keeps shared caches out, "no-cache" has the browser ask, and so log in, each time.
files = StaticFiles(DIRECTORY, live=True, cache_control="private, no-cache")

app = FastAPI()


def current_user(given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
    known = PASSWORDS.get(given.username, "")
    if not secrets.compare_digest(known.encode(), given.password.encode()) or not known:
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
    return given.username


User = Annotated[str, Depends(current_user)]


@app.get("/files/{name:path}")
async def show(name: str, user: User) -> FileResponse:
    return FileResponse(files, f"{user}/{name}")


@app.get("/download/{name:path}")
async def download(name: str, user: User) -> FileResponse:
    return FileResponse(files, f"{user}/{name}", filename=Path(name).name)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    print(f"http://127.0.0.1:{port}/files/", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
