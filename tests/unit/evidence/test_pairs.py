"""What symmetry alone promises, and when nothing is bet on it."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serin.core.evidence import pairs
from serin.core.evidence.counts import Counts
from serin.core.evidence.settings import Settings
from unit.evidence.intervals import after, interval

ROUNDING = 1e-12

counts = st.integers(0, 10**6).flatmap(lambda n: st.builds(Counts, st.just(n), st.integers(0, n)))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(baseline=counts, canary=counts)
def test_swapping_the_variants_turns_the_sign_of_the_score(baseline: Counts, canary: Counts) -> None:
    assert pairs.score(baseline, canary) == pytest.approx(-pairs.score(canary, baseline), abs=1e-9)
    assert -1 <= pairs.score(baseline, canary) <= 1


@pytest.mark.parametrize("serial", [1.0, 1.3, 2.0, 10.0])
@pytest.mark.parametrize("sizes", [(1, 1), (8, 8), (3, 9)])
def test_the_mean_is_at_most_one_for_every_exchangeable_pair_however_its_failures_hang_together(
    sizes: tuple[int, int], serial: float
) -> None:
    # Every exchangeable distribution is a mixture of "one or the other way round", so these pairs are all there is.
    for f_1, f_2 in itertools.product(range(sizes[0] + 1), range(sizes[1] + 1)):
        one, other = Counts(sizes[0], f_1), Counts(sizes[1], f_2)
        for there, back in zip(
            pairs.log_e_values(one, other, serial), pairs.log_e_values(other, one, serial), strict=True
        ):
            assert (math.exp(there) + math.exp(back)) / 2 <= 1 + ROUNDING, (f_1, f_2)


def test_more_failures_of_the_canary_never_lower_the_score() -> None:
    for f_b in range(0, 101, 5):
        scores = [pairs.score(Counts(100, f_b), Counts(100, f_c)) for f_c in range(101)]
        assert scores == sorted(scores)


@pytest.mark.parametrize(("baseline", "canary"), [((100, 0), (100, 0)), ((0, 0), (100, 9)), ((100, 9), (0, 0))])
def test_without_failures_or_without_one_variant_there_is_no_score(
    baseline: tuple[int, int], canary: tuple[int, int]
) -> None:
    assert pairs.score(Counts(*baseline), Counts(*canary)) == 0


def test_while_the_variants_have_different_shares_the_pair_bets_nothing() -> None:
    bad = interval(canary=(100, 9))
    lopsided = replace(bad, is_symmetric=False)
    before, later = after([bad] * 5, Settings()), after([bad] * 5 + [lopsided] * 5, Settings())
    assert later.harm.log_pairs(later.intervals, Settings()) == pytest.approx(before.harm.log_pairs(5, Settings()))
    assert later.harm.log_likelihood(10, Settings()) > before.harm.log_likelihood(5, Settings())


def test_with_a_tolerance_the_likelihood_is_the_whole_evidence() -> None:
    tolerant = Settings(tolerance=0.25)
    state = after([interval(canary=(100, 9))] * 10, tolerant)
    assert state.log_bad(tolerant) == state.harm.log_likelihood(10, tolerant)


def test_evidence_of_harm_is_the_average_of_both_parts() -> None:
    state, defaults = after([interval(canary=(100, 9))] * 10, Settings()), Settings()
    parts = math.exp(state.harm.log_likelihood(10, defaults)), math.exp(state.harm.log_pairs(10, defaults))
    assert math.exp(state.log_bad(defaults)) == pytest.approx(sum(parts) / 2)
