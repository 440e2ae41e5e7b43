"""The values that two independent implementations of the procedure agreed on, to 1e-6."""

import pytest
from serin.core.evidence.base_rate import Memory, margin, plug_in_rate, remember
from serin.core.evidence.counts import Counts
from serin.core.evidence.likelihood import Rates, log_e_value, nearest_null
from serin.core.evidence.outlook import requests_to_promote
from serin.core.evidence.verdict import EvidenceState, advance
from unit.evidence.intervals import reference_intervals, reference_settings


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


@pytest.mark.parametrize(
    ("phi", "phi_reject", "log_good", "log_bad"),
    [
        (
            1,
            1,
            [-0.227046, -0.400928, -0.400928, -1.019240, -1.377891, -1.500180],
            [0.003097, 0.238285, 0.238285, 0.442105, 0.219253, 0.446407],
        ),
        # Only log_bad has published values here: log_good was made with a dispersion learned on the way.
        (3, 10, None, [-0.008407, 0.010221, 0.010221, 0.008459, -0.109017, -0.088897]),
    ],
)
def test_six_intervals_give_the_reference_evidence(
    phi: float, phi_reject: float, log_good: list[float] | None, log_bad: list[float]
) -> None:
    settings = reference_settings(phi, phi_reject)
    states = []
    state = EvidenceState()
    for increments in reference_intervals():
        state = advance(state, increments, settings)
        states.append(state)
    assert [state.log_bad(settings.planned_intervals) for state in states] == pytest.approx(log_bad, abs=1e-6)
    if log_good is not None:
        assert [state.log_good for state in states] == pytest.approx(log_good, abs=1e-6)


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
