"""How much the stable pods make an e-value worth."""

import json
from dataclasses import replace

import pytest
from serin.core.evidence.counts import Counts, StableHalves
from serin.core.evidence.dispersion import Bursts, Dispersion, HistoryInterval, Source, decide_dispersion, learn_history
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState, advance, judge
from unit.evidence.intervals import after, interval

SETTINGS = Settings()
QUIET = ((400, 4), (400, 4))
BURST = ((400, 4), (400, 104))
OUTAGE = ((400, 400), (400, 390))


def past(halves: tuple[tuple[float, float], tuple[float, float]], count: int = 6) -> list[HistoryInterval]:
    """Six intervals of 10 s are a block."""
    first, second = halves
    return [HistoryInterval(StableHalves(Counts(*first), Counts(*second)), 10.0)] * count


def learned(*history: list[HistoryInterval], settings: Settings = SETTINGS) -> Dispersion:
    return decide_dispersion(learn_history([each for part in history for each in part], settings), settings)


def test_nothing_seen_is_doubted_more_than_a_quiet_history() -> None:
    assert decide_dispersion(Bursts(), SETTINGS) == Dispersion(10.0, 3.0, 1.0, Source.PRIOR)
    assert learned(past(QUIET, 360)) == Dispersion(1.0, 1.0, 1.0, Source.HISTORY)


def test_bursts_in_history_make_evidence_worth_less() -> None:
    noisy = learned(past(QUIET, 354), past(BURST))
    assert noisy.promote > 10
    assert noisy.reject >= noisy.promote


def test_a_single_burst_in_history_makes_rejection_slower_than_its_share_of_the_failures_says() -> None:
    # 600 failures more in one half: 600 / 2 / sqrt(1/4) = 600 = sqrt(square); 3 * sqrt(648) = 76.4 of it is chance.
    dispersion = learned(past(QUIET, 36_000), past(BURST))
    assert dispersion.promote < 10
    assert dispersion.reject == pytest.approx((600 - 3 * 648**0.5) / 4)


def test_failures_that_stay_on_one_half_over_intervals_make_the_pair_worth_less() -> None:
    mirrored = (BURST[1], BURST[0])
    alternating = learned(past(BURST, 12), past(mirrored, 12))
    assert alternating.serial > 5
    assert learned([*past(BURST, 1), *past(mirrored, 1)] * 12).serial == 1.0


def test_a_block_that_is_not_full_teaches_nothing() -> None:
    assert learned(past(BURST, 5)) == Dispersion(10.0, 3.0, 1.0, Source.PRIOR)


def test_an_outage_of_everything_teaches_nothing() -> None:
    assert learned(past(QUIET, 360), past(OUTAGE, 360)) == learned(past(QUIET, 360))


def test_one_half_without_requests_teaches_nothing() -> None:
    assert learned(past(((0, 0), (800, 80)), 60)).source is Source.PRIOR


def test_the_running_comparison_goes_on_learning() -> None:
    noisy = replace(interval(), stable_halves=past(BURST)[0].halves)
    for begun in (EvidenceState(), EvidenceState.begin(past(QUIET, 360), SETTINGS)):
        before = judge(begun, SETTINGS).dispersion
        later = judge(after([noisy] * 12, SETTINGS, begun), SETTINGS).dispersion
        assert later.promote > before.promote
    assert judge(after([noisy] * 12, SETTINGS), SETTINGS).dispersion.source is Source.RUNNING


def test_the_dispersion_of_an_interval_does_not_depend_on_the_interval_itself() -> None:
    settings = replace(SETTINGS, block_seconds=10)
    noisy = replace(interval(), stable_halves=past(BURST)[0].halves)
    assert advance(EvidenceState(), noisy, settings).log_good == advance(EvidenceState(), interval(), settings).log_good


def test_with_fewer_than_two_stable_pods_the_prior_stays() -> None:
    assert judge(after([interval()] * 60, SETTINGS), SETTINGS).dispersion.source is Source.PRIOR


def test_a_fixed_dispersion_is_not_learned() -> None:
    fixed = replace(SETTINGS, fixed_dispersion=4.0)
    assert learned(past(BURST, 360), settings=fixed) == Dispersion(4.0, 4.0, 1.0, Source.FIXED)


def test_a_restart_between_any_two_intervals_changes_nothing() -> None:
    noisy = replace(interval(), stable_halves=past(((133, 1), (267, 5)))[0].halves, seconds=9.97)
    kept = restored = EvidenceState.begin(past(BURST, 7), SETTINGS)
    for _ in range(30):
        kept = advance(kept, noisy, SETTINGS)
        restored = advance(EvidenceState.from_json(json.loads(json.dumps(restored.to_json()))), noisy, SETTINGS)
        assert restored == kept


def test_scrapes_that_are_not_exactly_on_time_still_make_blocks_of_a_minute() -> None:
    for seconds in (9.8, 10.2):
        history = [HistoryInterval(each.halves, seconds) for each in past(BURST, 6)]
        assert learned(history).source is Source.HISTORY
