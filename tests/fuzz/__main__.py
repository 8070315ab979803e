"""`python -m tests.fuzz [--seconds 600]`: a coverage-guided run over every parser, one by one.

It ends with a table, and with exit status 1 if a property failed: the input is then printed, and
goes into SEEDS once the fault is mended. The engine is atheris (libFuzzer); without it the exit
status is 2, and tests/test_fuzz.py still tries the same targets on seeds and random bytes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

try:
    import atheris
except ImportError:
    atheris = None

ROOT = Path(__file__).parents[2]
HANGS = 5
"""Seconds for one input: more is a finding."""

LONGEST = 2**15
SHARES = {"answers": 6}
"""Of the time: most of the package stands behind this one."""

COLUMNS = ("target", "runs", "seconds", "edges", "features", "corpus", "findings")


@dataclass
class Run:
    """What came of one target's run."""

    name: str
    seconds: float
    words: str
    findings: list[bytes]

    def row(self) -> list[str]:
        [runs] = re.findall("number_of_executed_units: ([0-9]+)", self.words)[-1:] or ["?"]
        last = re.findall("cov: ([0-9]+) ft: ([0-9]+) corp: ([0-9]+)", self.words)[-1:]
        found = str(len(self.findings))
        return [self.name, runs, f"{self.seconds:.0f}", *(last[0] if last else "???"), found]


def fuzz_here(name: str, arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    # The references say in branches what the parsers say in regular expressions, into which
    # libFuzzer doesn't see: an input that is new to a reference is new to its parser.
    with atheris.instrument_imports(include=["dualstatic", "tests.fuzz.references"]):
        from .targets import TARGET_NAMES
    atheris.Setup([sys.argv[0], *arguments], TARGET_NAMES[name])
    atheris.Fuzz()


def fuzz(name: str, seconds: int, seed: int, base: Path) -> Run:
    """One target in a process of its own."""
    corpus, found = base / name, base / f"{name}-findings"
    corpus.mkdir()
    found.mkdir()
    write_seeds(name, corpus, base / "words")
    options = {"max_total_time": seconds, "timeout": HANGS, "max_len": LONGEST, "seed": seed}
    options |= {"print_final_stats": 1, "artifact_prefix": f"{found}/", "dict": base / "words"}
    flags = [f"-{key}={value}" for key, value in options.items()]
    command = [sys.executable, "-m", "tests.fuzz", "--here", name, *flags, str(corpus)]
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    words = done.stdout.decode(errors="replace")
    findings = [path.read_bytes() for path in sorted(found.iterdir())]
    if done.returncode and not findings:
        findings = [b""]  # it could not even begin
    return Run(name, time.monotonic() - start, words, findings)


def write_seeds(name: str, corpus: Path, words: Path) -> None:
    from .targets import SEEDS, TARGET_NAMES, TOKENS

    for number, seed in enumerate(SEEDS[TARGET_NAMES[name]]):
        (corpus / str(number)).write_bytes(seed.encode("latin-1"))
    escaped = ["".join(f"\\x{byte:02x}" for byte in token.encode("latin-1")) for token in TOKENS]
    words.write_text("".join(f'"{token}"\n' for token in escaped))


def table(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    return "\n".join("  ".join(line) for line in lines)


def tail(words: str) -> str:
    """What was raised, or the last that was said."""
    return words[max(words.find("=== Uncaught"), 0) :][-3000:].strip()


def main() -> int:
    from .targets import TARGET_NAMES

    parser = argparse.ArgumentParser("tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for all targets (%(default)s)")
    parser.add_argument("--targets", nargs="+", choices=TARGET_NAMES, default=list(TARGET_NAMES))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shares = {name: SHARES.get(name, 1) for name in options.targets}
    each = {name: options.seconds * share // sum(shares.values()) for name, share in shares.items()}
    with tempfile.TemporaryDirectory() as base:
        runs = [fuzz(name, max(1, each[name]), options.seed, Path(base)) for name in each]
    print(table([list(COLUMNS), *(run.row() for run in runs)]))
    for run in runs:
        for finding in run.findings:
            print(f"\n{run.name}: {finding!r:.500}\n{tail(run.words)}")
    return 1 if any(run.findings for run in runs) else 0


if __name__ == "__main__":
    if atheris is None:
        print("tests.fuzz needs atheris: pip install -e '.[fuzz]'", file=sys.stderr)
        sys.exit(2)
    if sys.argv[1:2] == ["--here"]:
        fuzz_here(sys.argv[2], sys.argv[3:])
    sys.exit(main())
