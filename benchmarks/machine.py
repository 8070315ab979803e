"""What it ran on, and which versions."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from .contenders import CONTENDERS, version_of

SERVERS = ("uvicorn", "httptools", "uvloop", "granian", "gunicorn", "hypercorn")
PROGRAMS = {"wrk": "-v", "h2load": "--version", "nginx": "-v", "caddy": "version"}


def describe() -> dict[str, str]:
    distributions = [*dict.fromkeys(c.distribution for c in CONTENDERS), *SERVERS]
    versions = [f"{name} {number}" for name in distributions if (number := version_of(name))]
    return {
        "CPU": f"{_cpu()}, {len(_cores())} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(versions),
        "programs": ", ".join(filter(None, map(_program, PROGRAMS))) or "none",
        "load at the start": _load(),
    }


def missing() -> list[str]:
    """What isn't installed."""
    distributions = [*dict.fromkeys(c.distribution for c in CONTENDERS), *SERVERS]
    absent = [name for name in distributions if version_of(name) is None]
    return absent + [name for name in PROGRAMS if program(name) is None]


def program(name: str) -> str | None:
    """Where a program is: that of a server is often outside a user's path."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which(name, path=path)


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.machine()


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _program(name: str) -> str:
    found = program(name)
    if found is None:
        return ""
    # wrk says its version with a failure's exit status, nginx on stderr.
    run = subprocess.run(
        [found, PROGRAMS[name]], capture_output=True, text=True, timeout=10, check=False
    )
    match = re.search(r"\d+\.\d+(\.\d+)?", run.stdout + run.stderr)
    return f"{name} {match[0]}" if match else name


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
