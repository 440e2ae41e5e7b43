"""Lengths of time as people write them."""

import re

import pytest
from serin.api.v1alpha1.shared import DURATION_PATTERN, duration_seconds, format_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("0s", 0), ("90m", 5400), ("1m1s500ms", 61.5)],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: float) -> None:
    assert re.match(DURATION_PATTERN, text)
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "1.5h", "-1s", "1d", "10sec", "s10"])
def test_another_text_is_an_error_that_tells_the_form(text: str) -> None:
    assert not re.match(DURATION_PATTERN, text)
    with pytest.raises(ValueError, match=re.escape(f"duration {text!r}: expected numbers with units ms, s, m or h")):
        duration_seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m"), (210, "3m30s"), (3600, "1h"), (3661, "1h1m"), (90000, "25h"), (-5, "0s")],
)
def test_seconds_are_shown_in_two_units_at_most(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["45s", "3m30s", "2h5m", "10m"])
def test_a_shown_duration_is_read_as_the_same_length(text: str) -> None:
    assert format_duration(duration_seconds(text)) == text


def test_the_longest_text_fits_the_durations_of_the_api_server() -> None:
    longest = "99999h" * 5 + "9h"
    assert len(longest) == 32
    assert duration_seconds(longest) < 2**63 / 1e9
