"""The fuzzed targets on their seeds and on what hypothesis makes of them; and the command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TOKENS
from tests.support.servers import run

Target = Callable[[bytes], None]

each_target = pytest.mark.parametrize("target", SEEDS, ids=lambda target: target.__name__)


@each_target
def test_a_parser_does_on_its_seeds_what_the_slow_and_obvious_one_does(target: Target) -> None:
    for seed in SEEDS[target]:
        target(seed.encode("latin-1"))


@cache
def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Any bytes, words of the grammar in any order, and seeds of which a part is another."""
    known = [seed for seed in SEEDS[target] if len(seed) < 500]
    letters = st.text(st.sampled_from(sorted(set("".join(known)))), max_size=9)
    words = st.lists(st.sampled_from(TOKENS) | letters, max_size=9).map("".join)
    changed = st.builds(
        lambda seed, start, length, new: seed[:start] + new + seed[start + length :],
        st.sampled_from(known),
        st.integers(0, 100),
        st.integers(0, 10),
        letters | words,
    )
    return st.binary() | (words | changed).map(lambda text: text.encode("latin-1"))


@each_target
@given(st.data())
@settings(
    deadline=None,
    max_examples=2 * settings.default.max_examples,
    suppress_health_check=list(HealthCheck),
)
def test_a_parser_does_on_any_bytes_what_the_slow_and_obvious_one_does(
    target: Target, data: st.DataObject
) -> None:
    target(data.draw(inputs(target)))


ENGINE = '''
"""What the command needs of atheris: it runs the target on its seeds, and says so as it does."""
import contextlib, glob, sys
def instrument_imports(include):
    return contextlib.nullcontext()
def Setup(arguments, target):
    global run
    options = dict(a[1:].split("=", 1) for a in arguments[1:] if a.startswith("-"))
    seeds = [open(path, "rb").read() for path in sorted(glob.glob(arguments[-1] + "/*"))]
    def run():
        for seed in seeds:
            try:
                target(seed)
            except Exception as error:
                print("=== Uncaught Python exception:", repr(error))
                open(options["artifact_prefix"] + "crash", "wb").write(seed)
                sys.exit(77)
        print(f"#{len(seeds)} DONE cov: 11 ft: 22 corp: 33/9b", file=sys.stderr)
        print(f"stat::number_of_executed_units: {len(seeds)}", file=sys.stderr)
def Fuzz():
    run()
    sys.exit(0)
'''


COMMAND = """
import os, runpy, sys
folder = sys.argv.pop(1)
sys.path.insert(0, folder)
os.environ["PYTHONPATH"] = os.pathsep.join([folder, os.environ["PYTHONPATH"]])
runpy.run_module("tests.fuzz", run_name="__main__")
"""


def fuzz(engine: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a stand-in for atheris, whether that is installed or not."""
    (folder / "atheris.py").write_text(engine)
    return run("-c", COMMAND, folder, "--seconds", "1", *arguments)


def test_the_command_ends_with_a_line_for_each_target(tmp_path: Path) -> None:
    done = fuzz(ENGINE, tmp_path, "--targets", "http_date", "admits")
    assert done.returncode == 0, done.stderr
    first, *lines = [line.split() for line in done.stdout.splitlines()]
    assert first == ["target", "runs", "seconds", "edges", "features", "corpus", "findings"]
    assert [(line[0], line[3:]) for line in lines] == [
        ("http_date", ["11", "22", "33", "0"]),
        ("admits", ["11", "22", "33", "0"]),
    ]
    assert all(int(line[1]) > 10 for line in lines)


def test_the_command_prints_what_failed_and_on_which_input(tmp_path: Path) -> None:
    engine = ENGINE.replace("target(seed)", "raise ValueError('not this') from None")
    done = fuzz(engine, tmp_path, "--targets", "option_values")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split()[-1] == "1"
    assert "option_values: b'/static/'" in done.stdout
    assert "ValueError('not this')" in done.stdout


def test_the_command_says_where_the_engine_cannot_begin(tmp_path: Path) -> None:
    done = fuzz(ENGINE.replace("def Setup", "def NoSetup"), tmp_path, "--targets", "admits")
    assert done.returncode == 1
    assert "AttributeError" in done.stdout


def test_the_command_says_in_one_line_that_it_needs_atheris(tmp_path: Path) -> None:
    done = fuzz("raise ImportError", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tests.fuzz needs atheris: pip install -e '.[fuzz]'\n"
