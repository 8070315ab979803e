"""Each rule of HTTP is a case of `tests/cases`: here it is asked in process, in every way."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from tests.cases import CASES, site
from tests.cases.case import CLASSES, COOKED, WITHOUT_APP, Case, Want
from tests.cases.left_out import LEFT_OUT, UNTESTED
from tests.conformance.judge import CHECKS, Answers, verdict
from tests.conformance.setups import Setup, our_options
from tests.conformance.stand import BEHIND
from tests.conftest import DOORS, WITH_MEMORY, Aging, make_files
from tests.support.asking import answered
from tests.support.children import within
from tests.support.doors import Client

Way = tuple[str, str]
WAYS: list[Way] = [(door, mode) for door in DOORS for mode in WITH_MEMORY]
HUGE = "/huge.bin"
"""Its tag is weak as long as the file is new, as it is in live mode."""
Stand = Callable[[str, str, str], Client]


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Stand:
    """The tree of all cases, and a client for each door, mode and setting of it."""
    root = site.make(tmp_path_factory.mktemp("site"))

    @cache
    def files(mode: str, setting: str) -> Any:
        return make_files(Setup(root, stand, setting).root, mode, **our_options(setting))

    @cache  # to make a door takes as long as to ask it
    def stand(door: str, mode: str, setting: str) -> Client:
        app = setting not in WITHOUT_APP and BEHIND[door]
        return Aging(files(mode, setting), door, app, mode=mode, raw=setting != COOKED)

    return stand


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_is_answered_as_it_says_by_both_doors_in_all_modes(case: Case, stand: Stand) -> None:
    earlier: dict[Way, Answers] = {way: {} for way in WAYS}
    for ask in case.asks:
        setting = ask.setting or case.setting
        has_app = setting not in WITHOUT_APP and ask.most is None
        for way, known in earlier.items():
            call = partial(answered, stand(*way, setting), ask, setting, known)
            answer = within(5, call) if case.may_hang else call()
            wrong = verdict(ask, answer, known, has_app, is_ours=True)
            assert wrong is None, (way, ask, answer)
            known[ask.name] = answer
            assert answer == earlier[WAYS[0]][ask.name] or ask.target == HUGE, (way, ask)


def test_each_number_is_a_case_or_left_out_for_a_reason_and_then_in_a_test() -> None:
    numbers = sorted(int(each[1:]) for each in [*(case.id for case in CASES), *LEFT_OUT])
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(reason.strip() for reason in LEFT_OUT.values())
    texts = [path.read_text() for path in Path(__file__).parent.rglob("test_*.py")]
    named = {number for text in texts for number in re.findall(r'"([A-Z]\d{3})"', text)}
    assert set(LEFT_OUT) - named == UNTESTED


def test_a_case_tells_its_rule_where_it_stands_and_what_is_right() -> None:
    for case in CASES:
        assert re.fullmatch(r"[A-Z].+\.", case.says), case.id
        assert re.fullmatch(r"RFC \d{4} [\d.]+", case.section), case.id
        assert case.level in CLASSES
    assert len({case.says for case in CASES}) == len(CASES)
    wants: list[Want] = []
    for ask in [ask for case in CASES for ask in case.asks]:
        wants += [*ask.wants, ask.promised]
    assert all(want.status for want in wants)
    assert {want.check for want in wants if want.check} == set(CHECKS)
