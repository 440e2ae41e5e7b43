"""A shared incident is one only when both variants have it, and no longer when it has become the usual."""

import pytest
from serin.core.evidence.incident import is_shared_incident
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import advance
from unit.evidence.intervals import after, interval

SETTINGS = Settings()
QUIET = after([interval()] * 6, SETTINGS)


@pytest.mark.parametrize(
    ("baseline", "canary", "is_told"),
    [
        pytest.param((100, 20), (100, 22), True, id="both fail a fifth"),
        pytest.param((100, 1), (100, 40), False, id="the canary alone"),
        pytest.param((100, 40), (100, 1), False, id="the baseline alone"),
        pytest.param((100, 3), (100, 3), False, id="a little more than usual"),
        pytest.param((4, 4), (4, 4), False, id="too few to tell"),
    ],
)
def test_both_must_fail_far_more_than_usual(baseline: tuple[int, int], canary: tuple[int, int], is_told: bool) -> None:
    then = advance(QUIET, interval(baseline, canary, stable=(800, 160)), SETTINGS)
    assert is_shared_incident(QUIET, then) == is_told


def test_one_that_lasts_for_minutes_becomes_the_usual() -> None:
    failing = interval((100, 20), (100, 20), stable=(800, 160))
    long_after = after([failing] * 12, SETTINGS, begun=QUIET)
    assert not is_shared_incident(long_after, advance(long_after, failing, SETTINGS))


def test_a_service_that_always_fails_much_has_no_incident() -> None:
    usual = after([interval((100, 20), (100, 20), stable=(800, 160))] * 20, SETTINGS)
    assert not is_shared_incident(usual, advance(usual, interval((100, 25), (100, 24), stable=(800, 160)), SETTINGS))
