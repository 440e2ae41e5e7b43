"""The e-value of one interval at the edges of its domain."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serin.core.evidence.counts import Counts
from serin.core.evidence.likelihood import Rates, divergence, log_e_value, nearest_null

EQUAL = Rates(0.01, 0.01)


@pytest.mark.parametrize(("baseline", "canary"), [(0, 100), (100, 0), (0, 0)])
def test_without_requests_to_both_variants_there_is_no_evidence(baseline: int, canary: int) -> None:
    assert log_e_value(Counts(baseline, 0), Counts(canary, canary), EQUAL, 0.005) == 0.0


def test_without_a_shift_the_nearest_null_is_the_rate_of_all_requests_together() -> None:
    assert nearest_null(300, 100, Rates(0.01, 0.05), 0.0) == Rates(0.02, 0.02)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    n_b=st.floats(1, 1e7),
    n_c=st.floats(1, 1e7),
    rate=st.floats(1e-6, 0.95),
    shift=st.floats(1e-4, 0.9),
    share=st.floats(-0.01, 0.01),
)
def test_the_nearest_null_lies_on_the_boundary_and_no_neighbour_is_nearer(
    n_b: float, n_c: float, rate: float, shift: float, share: float
) -> None:
    null = nearest_null(n_b, n_c, Rates(rate, rate), shift)

    def distance(x: float) -> float:
        return n_b * divergence(rate, x) + n_c * divergence(rate, x + shift)

    assert 0 < null.baseline < null.canary < 1
    assert null.canary == null.baseline + shift
    neighbour = null.baseline * (1 + share)
    if neighbour > 0 and neighbour + shift < 1:
        rounding = 1e-15 * (n_b + n_c)
        assert distance(null.baseline) <= distance(neighbour) * (1 + 1e-9) + rounding + 1e-9


@settings(derandomize=True, max_examples=300, deadline=None)
@given(requests=st.integers(1, 10**7), failed=st.floats(0, 1), rate=st.floats(1e-6, 0.95), shift=st.floats(0, 0.9))
def test_every_outcome_has_a_finite_e_value(requests: int, failed: float, rate: float, shift: float) -> None:
    counts = Counts(requests, round(failed * requests))
    assert math.isfinite(log_e_value(Counts(requests, 0), counts, Rates(rate, rate), shift))
    assert math.isfinite(log_e_value(counts, Counts(requests, requests), Rates(rate, 0.99), 0.0))


def test_more_failures_of_the_canary_mean_less_evidence_that_it_is_good_and_more_that_it_is_bad() -> None:
    good = [log_e_value(Counts(100, 1), Counts(100, f), EQUAL, 0.005) for f in range(101)]
    bad = [log_e_value(Counts(100, 1), Counts(100, f), Rates(0.01, 0.05), 0.0) for f in range(101)]
    assert good == sorted(good, reverse=True)
    assert bad == sorted(bad)


@pytest.mark.parametrize(
    ("requests", "failures", "message"),
    [
        (-1.0, 0.0, "requests is -1.0"),
        (math.nan, 0.0, "requests is nan"),
        (10.0, 11.0, "failures is 11.0, expected a number from 0 to requests"),
        (10.0, math.nan, "failures is nan"),
    ],
)
def test_impossible_counts_are_refused_by_name(requests: float, failures: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Counts(requests, failures)
