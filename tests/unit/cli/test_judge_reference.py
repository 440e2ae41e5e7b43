"""The command prints the values that two independent implementations of the procedure agreed on, to 1e-6."""

import math

import pytest
from unit.cli.command import REFERENCE, Desk, column

SIX_INTERVALS = "analysis: {minDuration: 60s, maxDuration: 60s}"
INDEPENDENT = "analysis: {minDuration: 60s, maxDuration: 60s, dispersion: {mode: Fixed, value: 1}}"
# Scores of sqrt(0.06) in each of 12 intervals: (7.2 + 12 * 12 * 0.06) / (7.2 + 12 * 0.06) = 2.
HISTORY_OF_SERIAL_DISPERSION_2 = ("10,400,25.65,400,28.35",) * 12


def test_base_rates_and_margins(desk: Desk) -> None:
    judged = desk.judged(REFERENCE, plan=SIX_INTERVALS)
    assert column(judged, "base_rate") == pytest.approx(
        [0.009444, 0.008620, 0.008150, 0.009119, 0.056750, 0.050194], abs=1e-6
    )
    assert column(judged, "margin") == pytest.approx([0.005, 0.005, 0.005, 0.005, 0.011350, 0.010039], abs=1e-6)


def test_evidence_of_independent_failures(desk: Desk) -> None:
    judged = desk.judged(REFERENCE, plan=INDEPENDENT)
    assert column(judged, "log_good") == pytest.approx(
        [-0.227046, -0.400928, -0.400928, -1.019240, -1.377891, -1.500180], abs=1e-6
    )
    assert column(judged, "log_bad_likelihood") == pytest.approx(
        [0.003097, 0.238285, 0.238285, 0.442105, 0.219253, 0.446407], abs=1e-6
    )


def test_dispersion_learned_without_history_and_the_evidence_for_the_canary(desk: Desk) -> None:
    judged = desk.judged(REFERENCE, "--block", "10", plan=SIX_INTERVALS)
    assert column(judged, "phi") == pytest.approx([3, 2.473684, 2.227273, 2.227273, 2.018868, 5.012451], abs=1e-6)
    assert column(judged, "phi_reject") == [10.0] * 6
    assert column(judged, "log_good") == pytest.approx(
        [-0.075682, -0.145975, -0.145975, -0.423584, -0.601234, -0.625631], abs=1e-6
    )


def test_evidence_against_the_canary_with_serial_dispersion(desk: Desk) -> None:
    # No block closes in the history, so that only the serial dispersion is learned from it.
    rows = (*HISTORY_OF_SERIAL_DISPERSION_2, "start", *REFERENCE)
    judged = desk.judged(rows, "--block", "1000", plan=SIX_INTERVALS)
    assert column(judged, "kappa") == pytest.approx([2.0] * 6)
    assert column(judged, "log_bad_likelihood") == pytest.approx(
        [-0.008407, 0.010221, 0.010221, 0.008459, -0.109017, -0.088897], abs=1e-6
    )
    assert column(judged, "log_bad_pairs") == pytest.approx(
        [0.062658, 0.175838, 0.175838, 0.294261, 0.361285, 0.515667], abs=1e-6
    )
    assert column(judged, "log_bad") == pytest.approx(
        [0.027757, 0.096454, 0.096454, 0.161536, 0.153531, 0.258393], abs=1e-6
    )


def test_serial_dispersion_of_six_intervals_of_history(desk: Desk) -> None:
    history = [",".join(row.split(",")[:5]) for row in REFERENCE]
    judged = desk.judged((*history, "start", REFERENCE[0]), "--serial-block", "30", plan=SIX_INTERVALS)
    assert column(judged, "kappa") == pytest.approx([1.26105707], abs=1e-8)


def test_evidence_against_the_canary_is_the_mean_of_its_two_parts(desk: Desk) -> None:
    for interval in desk.judged(REFERENCE)["intervals"]:
        mean = (math.exp(interval["log_bad_likelihood"]) + math.exp(interval["log_bad_pairs"])) / 2
        assert interval["log_bad"] == pytest.approx(math.log(mean))
