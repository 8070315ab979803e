"""What processes have in memory."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def resident(pid: int) -> int:
    """KiB in memory of a process and all that it began."""
    table = _processes()
    family, found = {pid}, {pid}
    while found:
        found = {each for each, (parent, _) in table.items() if parent in found} - family
        family |= found
    return sum(table[each][1] for each in family if each in table)


def _processes() -> dict[int, tuple[int, int]]:
    """By their ids: the parents of all processes, and what they have in memory."""
    if Path("/proc/self/status").exists():
        folders = (path for path in Path("/proc").iterdir() if path.name.isdigit())
        return {int(path.name): row for path in folders if (row := _status(path))}
    command = ["ps", "-A", "-o", "pid=,ppid=,rss="]
    output = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    rows = (map(int, line.split()) for line in output.splitlines())
    return {pid: (parent, amount) for pid, parent, amount in rows}


def _status(folder: Path) -> tuple[int, int] | None:
    try:
        text = (folder / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return None
    parent = re.search(r"^PPid:\s*(\d+)", text, re.MULTILINE)
    amount = re.search(r"^VmRSS:\s*(\d+)", text, re.MULTILINE)
    return (int(parent[1]), int(amount[1]) if amount else 0) if parent else None
