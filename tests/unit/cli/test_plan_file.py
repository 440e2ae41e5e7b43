"""A plan changes the settings, and one that the cluster would refuse or cut is refused."""

import pytest
from unit.cli.command import EQUAL, REFERENCE, WORSE, Desk, column


def test_a_plan_and_its_analysis_alone_say_the_same(desk: Desk) -> None:
    analysis = "{minDuration: 10s, falseReject: 0.2, metrics: [{margin: {absolute: 0.02, relative: 0}}]}"
    alone = desk.judged(REFERENCE, plan=analysis)
    assert alone == desk.judged(REFERENCE, plan=f"{{size: 2, analysis: {analysis}}}")
    assert set(column(alone, "margin")) == {0.02}


def test_a_plan_that_says_nothing_has_the_defaults(desk: Desk) -> None:
    without = desk.judged(REFERENCE)
    assert [desk.judged(REFERENCE, plan=plan) for plan in ("", "{}", "size: 2")] == [without] * 3


def test_the_error_rate_of_the_plan_decides(desk: Desk) -> None:
    quick = "{dispersion: {mode: Fixed, value: 4}, falseReject: %s}"
    assert desk.judged([WORSE], plan=quick % 0.2)["verdict"] == "Reject"
    assert desk.judged([WORSE], plan=quick % 0.0001)["verdict"] == "Inconclusive"


def test_with_a_tolerance_the_likelihood_is_all_the_evidence_of_harm(desk: Desk) -> None:
    judged = desk.judged(REFERENCE, plan="metrics: [{tolerance: 0.25}]")
    assert column(judged, "log_bad") == column(judged, "log_bad_likelihood")


def test_a_fixed_dispersion_is_used_in_every_interval(desk: Desk) -> None:
    judged = desk.judged(REFERENCE, plan="dispersion: {mode: Fixed, value: 4}")
    assert set(column(judged, "phi")) == set(column(judged, "phi_reject")) == {4.0}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("analysis: {falseReject: 2}", "analysis.falseReject: 2, expected: Input should be less than 0.5"),
        ("falseReject: 2", "analysis.falseReject: 2, expected: Input should be less than 0.5"),
        ("analysis: {maxDuration: 1m}", "analysis.minDuration: '5m', expected at most maxDuration (1m)"),
        ("analysis: {interval: 1h}", "analysis.maxDuration: '30m', expected at least interval (1h)"),
        ("analysis: {interval: 10ms}", "analysis.interval: '10ms', expected at least 1s"),
        (
            "metrics: [{margin: {absolute: 0, relative: 0}}]",
            "analysis.metrics.0.margin: absolute and relative are 0, expected one of them to be more",
        ),
        (
            "metrics: [{type: Categories}]",
            "analysis.metrics: nothing but Categories, expected at least one Ratio or Histogram",
        ),
        (
            "dispersion: {mode: Fixed}",
            "analysis.dispersion.value: None, expected a value with mode Fixed, and only there",
        ),
        ("minDuration: 5 minutes", None),
        ("metrics: []", None),
        ("[1]", None),
        ("{", None),
    ],
)
def test_a_bad_plan_is_refused_with_field_value_and_expectation(desk: Desk, plan: str, message: str | None) -> None:
    refusal = desk.refused([EQUAL], plan=plan)
    assert refusal.startswith("plan.yaml")
    if message is not None:
        assert refusal == f"plan.yaml, {message}"


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ("analysis: {falsereject: 0.1}", "analysis.falsereject"),
        ("metrics: [{margin: {absolut: 0.1}}]", "analysis.metrics.0.margin.absolut"),
        ("analysis: {false_reject: 0.1}", "analysis.false_reject"),
        ("analysis: {}\nspeed: 3", "speed"),
    ],
)
def test_a_mistyped_field_does_not_become_a_default(desk: Desk, plan: str, field: str) -> None:
    assert desk.refused([EQUAL], plan=plan).startswith(f"plan.yaml, {field}: no such field, expected one of ")
