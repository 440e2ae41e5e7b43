"""The values that two independent implementations of the procedure agreed on, to 1e-6."""

from dataclasses import replace

import pytest
from serin.core.evidence import pairs
from serin.core.evidence.base_rate import Memory, margin, plug_in_rate, remember
from serin.core.evidence.counts import Counts
from serin.core.evidence.dispersion import Bursts, HistoryInterval, decide_dispersion
from serin.core.evidence.likelihood import Rates, log_e_value, nearest_null
from serin.core.evidence.outlook import requests_to_promote
from serin.core.evidence.settings import Settings
from serin.core.evidence.verdict import EvidenceState
from unit.evidence.intervals import after, reference_intervals, reference_settings


@pytest.mark.parametrize(
    ("baseline", "canary", "alternative", "shift", "x", "log_e"),
    [
        ((1000, 10), (1000, 10), (0.01, 0.01), 0.005, 0.00808452, 0.61359798),
        ((1000, 0), (1000, 0), (0.001, 0.001), 0.005, 0.00054828, 4.11115854),
        ((2000, 30), (500, 12), (0.015, 0.015), 0.005, 0.01421623, -0.83606259),
        ((1000, 10), (1000, 25), (0.01, 0.01), 0.005, 0.00808452, -3.46587816),
        ((1000, 10), (1000, 25), (0.01, 0.015), 0.0, 0.0125, 2.35828108),
        ((1000, 10), (1000, 25), (0.01, 0.0225), 0.00125, 0.01540931, 2.80551004),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.00125, None, 0.027703),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.0025, None, 0.361322),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.005, None, 1.910462),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.01, None, 8.076325),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.02, None, 28.802980),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.04, None, 86.853504),
        ((4000, 40), (4000, 42), (0.01, 0.01), 0.08, None, 229.697191),
    ],
)
def test_one_interval_gives_the_reference_e_value(
    baseline: tuple[float, float],
    canary: tuple[float, float],
    alternative: tuple[float, float],
    shift: float,
    x: float | None,
    log_e: float,
) -> None:
    null = nearest_null(baseline[0], canary[0], Rates(*alternative), shift)
    assert log_e_value(Counts(*baseline), Counts(*canary), Rates(*alternative), shift) == pytest.approx(log_e, abs=1e-6)
    assert null.canary - null.baseline == pytest.approx(shift)
    if x is not None:
        assert null.baseline == pytest.approx(x, abs=1e-8)


def test_six_intervals_give_the_reference_base_rates_and_margins() -> None:
    memory = Memory()
    rates = []
    for increments in reference_intervals():
        rates.append(plug_in_rate(memory, increments.stable))
        memory = remember(memory, increments)
    assert rates == pytest.approx([0.009444, 0.008620, 0.008150, 0.009119, 0.056750, 0.050194], abs=1e-6)
    margins = [margin(rate, absolute=0.005, relative=0.2) for rate in rates]
    assert margins == pytest.approx([0.005, 0.005, 0.005, 0.005, 0.011350, 0.010039], abs=1e-6)


def states_after_each_interval(settings: Settings, begun: EvidenceState | None = None) -> list[EvidenceState]:
    intervals = reference_intervals()
    return [after(intervals[:count], settings, begun) for count in range(1, len(intervals) + 1)]


def test_six_intervals_of_independent_failures_give_the_reference_evidence() -> None:
    settings = reference_settings(fixed_dispersion=1)
    states = states_after_each_interval(settings)
    assert [state.log_good for state in states] == pytest.approx(
        [-0.227046, -0.400928, -0.400928, -1.019240, -1.377891, -1.500180], abs=1e-6
    )
    assert [state.harm.log_likelihood(state.intervals, settings) for state in states] == pytest.approx(
        [0.003097, 0.238285, 0.238285, 0.442105, 0.219253, 0.446407], abs=1e-6
    )


@pytest.mark.parametrize(
    ("failures", "psi"),
    [((100, 1, 100, 4), 0.894427), ((100, 0, 100, 1), 0.666667), ((90, 3, 110, 2), -0.449467), ((100, 0, 100, 0), 0)],
)
def test_a_pair_gives_the_reference_score(failures: tuple[float, float, float, float], psi: float) -> None:
    n_b, f_b, n_c, f_c = failures
    assert pairs.score(Counts(n_b, f_b), Counts(n_c, f_c)) == pytest.approx(psi, abs=1e-6)


def test_six_intervals_without_history_give_the_reference_dispersions() -> None:
    settings = reference_settings()
    states = [EvidenceState(), *states_after_each_interval(settings)]
    used = [decide_dispersion(state.bursts, settings) for state in states[:-1]]
    assert [dispersion.promote for dispersion in used] == pytest.approx(
        [3, 2.473684, 2.227273, 2.227273, 2.018868, 5.012451], abs=1e-6
    )
    assert {dispersion.reject for dispersion in used} == {10.0}


def test_six_intervals_of_history_give_the_reference_serial_dispersion() -> None:
    settings = replace(reference_settings(), serial_block_seconds=30)
    history = [
        HistoryInterval(past.stable_halves, past.seconds) for past in reference_intervals() if past.stable_halves
    ]
    begun = EvidenceState.begin(history, settings)
    assert decide_dispersion(begun.bursts, settings).serial == pytest.approx(1.26105707, abs=1e-8)


def test_six_intervals_with_what_they_teach_give_the_reference_evidence() -> None:
    settings = reference_settings()
    # As much serial dependence seen as the prior weighs: serial dispersion is 2; six intervals close no block.
    begun = EvidenceState(bursts=Bursts(squares_of_sums=7.2))
    states = states_after_each_interval(settings, begun)
    assert [state.log_good for state in states] == pytest.approx(
        [-0.075682, -0.145975, -0.145975, -0.423584, -0.601234, -0.625631], abs=1e-6
    )
    assert [state.harm.log_likelihood(state.intervals, settings) for state in states] == pytest.approx(
        [-0.008407, 0.010221, 0.010221, 0.008459, -0.109017, -0.088897], abs=1e-6
    )
    assert [state.harm.log_pairs(state.intervals, settings) for state in states] == pytest.approx(
        [0.062658, 0.175838, 0.175838, 0.294261, 0.361285, 0.515667], abs=1e-6
    )
    assert [state.log_bad(settings) for state in states] == pytest.approx(
        [0.027757, 0.096454, 0.096454, 0.161536, 0.153531, 0.258393], abs=1e-6
    )


@pytest.mark.parametrize(
    ("base_rate", "requests"),
    [
        (0.0001, [4_080, 1_390, 650, 310, 150, 60]),
        (0.001, [13_240, 2_770, 1_000, 410, 180, 60]),
        (0.01, [118_770, 19_120, 4_880, 1_310, 390, 100]),
        (0.05, [569_000, 91_100, 22_800, 5_720, 1_450, 250]),
        (0.2, [1_900_000, 307_000, 76_700, 19_200, 4_800, 770]),
    ],
)
def test_the_requests_to_promote_an_equal_canary_are_those_of_the_table(base_rate: float, requests: list[int]) -> None:
    log_threshold = 2.995732273553991  # ln 20
    margins = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05]
    computed = [requests_to_promote(base_rate, m, log_threshold, dispersion=1.0) for m in margins]
    assert computed == pytest.approx(requests, rel=0.01, abs=5)
