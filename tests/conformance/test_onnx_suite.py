"""Every model of the onnx package's backend tests, through every way into the server and out of it."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pytest
from conformance.onnx_suite import load_cases
from conformance.outcomes import WAYS, Outcome, Trial, prepare, try_way

PAGE = Path(__file__).parents[2] / "docs" / "server.md"

pytestmark = pytest.mark.timeout(600)  # All of the suite runs in the first test.

Survey = dict[str, dict[str, Outcome]]


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """Way -> case -> outcome."""
    folder = tmp_path_factory.mktemp("suite")
    found: Survey = {way: {} for way in WAYS}
    logging.disable(logging.INFO)  # 2,000 models tell that they are loaded.
    try:
        for case in load_cases():
            prepared = prepare(case, folder)
            for way in WAYS:
                found[way][case.name] = try_way(way, prepared) if isinstance(prepared, Trial) else prepared
    finally:
        logging.disable(logging.NOTSET)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_the_same_as_without_the_server_or_there_is_a_known_reason(survey: Survey, way: str) -> None:
    assert [name for name, outcome in survey[way].items() if outcome is Outcome.DIFFERENT] == []


def test_the_documentation_says_how_many_there_are_of_each(survey: Survey) -> None:
    assert render_table(survey) in PAGE.read_text(encoding="utf-8")


def render_table(survey: Survey) -> str:
    lines = [f"| Outcome | {' | '.join(survey)} |", "|---" * (len(survey) + 1) + "|"]
    counts = {way: Counter(outcomes.values()) for way, outcomes in survey.items()}
    for outcome in Outcome:
        cells = [f"{counts[way][outcome]:,}" for way in survey]
        lines.append(f"| {outcome.value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
