"""Servers as programs on free loopback ports: one worker each."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.launch import HOST, Launched
from tests.support.launch import start as start_program

from . import apps, machine
from .contenders import ASGI, CONSTANT, WSGI, LeftOut, NotInstalled, version_of
from .trees import FOLDER

PACKAGE = Path(__file__).resolve().parent

FACTORY = "benchmarks.apps:make"


@dataclass(frozen=True)
class Launch:
    """A server's command line, and what it finds in its environment."""

    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


def start(launch: Launch, port: int, log: Path) -> Launched:
    return start_program(launch.command, port, log, launch.environment)


def wait(server: Launched) -> None:
    """Until it listens."""
    try:
        server.wait()
    except AssertionError as error:
        raise LeftOut(str(error).strip().splitlines()[-1]) from error


@contextlib.contextmanager
def running(launch: Launch, port: int, log: Path) -> Iterator[Launched]:
    server = start(launch, port, log)
    try:
        wait(server)
        yield server
    finally:
        server.end()


def _module(name: str, *arguments: str) -> list[str]:
    if version_of(name) is None:
        raise NotInstalled(f"{name} is not installed")
    return [sys.executable, "-m", name, *arguments]


def _program(name: str, *arguments: str) -> list[str]:
    found = machine.program(name)
    if found is None:
        raise NotInstalled(f"{name} is not installed")
    return [found, *arguments]


def _environment(door: str, name: str, root: Path) -> dict[str, str]:
    return {apps.DOOR: door, apps.NAME: name, apps.ROOT: str(root)}


def uvicorn(name: str, root: Path, port: int) -> Launch:
    """It takes httptools and uvloop by itself where they are installed."""
    quiet = ("--no-access-log", "--log-level", "error", "--lifespan", "off")
    at = ("--host", HOST, "--port", str(port))
    command = _module("uvicorn", "--factory", FACTORY, *at, *quiet)
    return Launch(command, _environment(ASGI, name, root))


def gunicorn(name: str, root: Path, port: int) -> Launch:
    workers = ("--worker-class", "gthread", "--workers", "1", "--threads", "4")
    at = ("--bind", f"{HOST}:{port}", "--keep-alive", "60", "--log-level", "error")
    command = _module("gunicorn", *workers, *at, *_no_control_socket(), f"{FACTORY}()")
    return Launch(command, _environment(WSGI, name, root))


def _no_control_socket() -> list[str]:
    """From its version 25 on gunicorn has one, at a path that is the same for every instance."""
    major = int((version_of("gunicorn") or "0").split(".")[0])
    return ["--no-control-socket"] if major >= 25 else []


def hypercorn(name: str, root: Path, port: int) -> Launch:
    command = _module("hypercorn", "--bind", f"{HOST}:{port}", "--log-level", "error")
    return Launch([*command, f"{FACTORY}()"], _environment(ASGI, name, root))


def granian(door: str, name: str, root: Path, port: int) -> Launch:
    command = _module("granian", *_granian_options(door, port), FACTORY)
    return Launch(command, _environment(door, name, root))


def granian_static(root: Path, port: int) -> Launch:
    """Its own static files, in Rust; the app behind them is never asked."""
    files = ("--static-path-route", f"/{FOLDER}", "--static-path-mount", str(root / FOLDER))
    command = _module("granian", *_granian_options(ASGI, port), *files, FACTORY)
    return Launch(command, _environment(ASGI, CONSTANT, root))


def _granian_options(door: str, port: int) -> list[str]:
    """It tells HTTP/2 from HTTP/1 by the first bytes."""
    at = ["--host", HOST, "--port", str(port), "--no-ws"]
    return ["--interface", door, "--factory", "--workers", "1", "--log-level", "error", *at]


NGINX = """\
daemon off;
worker_processes 1;
pid {scratch}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type application/octet-stream;
    types {{ text/javascript js; }}
    sendfile on;
    tcp_nopush on;
    keepalive_requests 10000000;
    open_file_cache max=1000;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen {host}:{port};
        root {root};
    }}
}}
"""


def nginx(root: Path, port: int) -> Launch:
    scratch = root.parent
    config = scratch / "nginx.conf"
    config.write_text(NGINX.format(scratch=scratch, host=HOST, port=port, root=root))
    return Launch(_program("nginx", "-c", str(config), "-p", str(scratch), "-e", "stderr"))


CADDY = """\
{{
    admin off
    auto_https off
}}
:{port} {{
    bind {host}
    root * {root}
    file_server
}}
"""


def caddy(root: Path, port: int) -> Launch:
    scratch = root.parent
    config = scratch / "Caddyfile"
    config.write_text(CADDY.format(host=HOST, port=port, root=root))
    home = {"XDG_CONFIG_HOME": str(scratch), "XDG_DATA_HOME": str(scratch), "GOMAXPROCS": "1"}
    return Launch(_program("caddy", "run", "--config", str(config), "--adapter", "caddyfile"), home)
