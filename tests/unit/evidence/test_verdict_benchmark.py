"""The benchmark of the verdict: its peers do what their documentation says, and Serin's runs are the engine's own."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from serin.core.evidence.verdict import Outcome, advance, judge
from verdict.cells import Cell, Group, fingerprint, simulate
from verdict.checks import Argo, Flagger, RateOf, argo_tuned, decide_by_checks
from verdict.decisions import NEVER, Answer
from verdict.engine import FALSE_REJECTS, SETTINGS, begin_runs, decide_runs, make_increments
from verdict.methods import PEERS, RAMPED, WITH_HISTORY, Peer
from verdict.ramped import CONSTANT, decide_ramped
from verdict.report import write_report
from verdict.scenarios import (
    AT_MARGIN,
    BROKEN,
    CANARIES,
    EQUAL,
    INTERVALS,
    MINUTE,
    PLUS_5,
    ROBUSTNESS,
    SCENARIOS,
    Canary,
    Scenario,
)
from verdict.traffic import BASELINE, CANARY, FIRST, SECOND, Paths, draw_history, draw_paths

QUIET = SCENARIOS["99"]


def rates(*by_minute: float | None) -> RateOf:
    """The success rate in each minute, then the last one on and on."""
    return lambda now: by_minute[min((now - 1) // MINUTE, len(by_minute) - 1)]


def paths_of(requests: int, baseline_failures: int, canary_failures: int) -> Paths:
    """One run in which every interval is the same; stable is four times the baseline."""
    n = np.array([4 * requests, 4 * requests, requests, requests])
    f = np.array([4 * baseline_failures, 4 * baseline_failures, baseline_failures, canary_failures])
    return Paths(np.tile(n, (1, INTERVALS, 1)), np.tile(f, (1, INTERVALS, 1)))


@pytest.mark.parametrize(("limit", "measurements"), [(0, 1), (3, 4)])
def test_argo_ends_at_the_measurement_that_exceeds_its_failure_limit(limit: int, measurements: int) -> None:
    ending = Argo(0.99, failure_limit=limit).run(rates(0.5), INTERVALS)
    assert (ending.rejected_after, ending.promoted_after) == (measurements * MINUTE, NEVER)


def test_argo_counts_failures_although_good_measurements_lie_between_them() -> None:
    ending = Argo(0.99, failure_limit=1).run(rates(0.5, 1.0, 1.0, 0.5), INTERVALS)
    assert ending.rejected_after == 4 * MINUTE


def test_argo_promotes_after_ten_measurements_of_which_three_may_fail() -> None:
    ending = Argo(0.99, failure_limit=3).run(rates(0.5, 0.5, 0.5, 1.0), INTERVALS)
    assert (ending.rejected_after, ending.promoted_after) == (NEVER, 10 * MINUTE)


def test_argo_takes_a_minute_without_requests_for_a_failure_and_the_fifth_error_in_a_row_for_the_end() -> None:
    assert Argo(0.99).run(rates(1.0, math.nan), INTERVALS).rejected_after == 2 * MINUTE
    # The first look is after a minute, an error is looked at again after 10 s.
    assert Argo(0.99).run(rates(None), INTERVALS).rejected_after == MINUTE + 4


def test_flagger_adds_up_failed_checks_and_rolls_back_at_its_threshold() -> None:
    assert Flagger(0.99, threshold=5).run(rates(0.5), INTERVALS).rejected_after == 5 * MINUTE
    assert Flagger(0.99, threshold=2).run(rates(0.5, 1.0, 1.0, 0.5), INTERVALS).rejected_after == 4 * MINUTE


def test_a_failed_check_costs_flagger_a_minute_and_no_traffic_is_a_failed_check() -> None:
    assert Flagger(0.99).run(rates(0.5, 1.0), INTERVALS).promoted_after == 11 * MINUTE
    assert Flagger(0.99).run(rates(None), INTERVALS).rejected_after == 5 * MINUTE


def test_the_checks_see_the_success_rate_of_the_last_minute_of_the_canary_alone() -> None:
    paths = paths_of(100, baseline_failures=90, canary_failures=1)
    assert decide_by_checks(Argo(0.99), paths).answers.tolist() == [Answer.PROMOTE]
    assert decide_by_checks(Argo(0.9901), paths).answers.tolist() == [Answer.REJECT]


def test_tuned_argo_knows_the_service_and_its_margin() -> None:
    assert argo_tuned(SCENARIOS["99.9"]).threshold == pytest.approx(0.994)
    assert argo_tuned(SCENARIOS["95"]).threshold == pytest.approx(0.94)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_rejects_a_canary_that_fails_always_and_counts_what_that_cost(peer: Peer) -> None:
    decided = peer.decide(paths_of(100, 1, 100), QUIET)
    assert decided.answers.tolist() == [Answer.REJECT]
    assert decided.failures.tolist() == decided.requests.tolist() == [100 * decided.intervals[0]]


@pytest.mark.parametrize("name", ["z-fixed", "z-peeking", "sprt", "msprt", "kayenta"])
def test_the_tests_with_two_samples_promote_a_canary_that_fails_as_often_as_the_baseline(name: str) -> None:
    peer = next(peer for peer in PEERS if peer.name == name)
    decided = peer.decide(paths_of(1000, 10, 10), QUIET)
    assert decided.answers.tolist() == [Answer.PROMOTE]


def test_walds_thresholds_are_reached_after_as_many_failures_as_computed_by_hand() -> None:
    # Both fail once an interval, ratio 1.5: each pair of failures is worth ln(1.5) - 2 ln(1.25) = -0.0408.
    sprt = next(peer for peer in PEERS if peer.name == "sprt")
    assert sprt.decide(paths_of(100, 1, 1), QUIET).intervals.tolist() == [math.ceil(math.log(19) / 0.0408219945)]


@pytest.mark.parametrize("name", ["99", "bursts5", "crash30min"])
@pytest.mark.parametrize("canary", [EQUAL, AT_MARGIN, BROKEN], ids=lambda canary: canary.name)
def test_serins_runs_are_decided_as_its_engine_judges_them(name: str, canary: Canary) -> None:
    scenario = SCENARIOS[name]
    begun, paths = begin_runs(draw_history(scenario, 0, 3)), draw_paths(scenario, canary, 0, 3)
    for false_reject, decided in zip(FALSE_REJECTS, decide_runs(paths, begun), strict=True):
        settings = replace(SETTINGS, false_reject=false_reject)
        for run in range(3):
            state, outcome, interval = begun[run], Outcome.ANALYZING, 0
            while outcome in (Outcome.ANALYZING, Outcome.NO_DATA):
                counts = paths.requests[run, interval].tolist(), paths.failures[run, interval].tolist()
                state = advance(state, make_increments(*counts), settings)
                outcome, interval = judge(state, settings).outcome, interval + 1
            answer = {Outcome.PROMOTE: Answer.PROMOTE, Outcome.REJECT: Answer.REJECT}.get(outcome, Answer.UNDECIDED)
            assert (decided.answers[run], decided.intervals[run]) == (answer, interval)
            assert decided.failures[run] == state.canary.failures


def test_the_ramp_at_a_constant_share_decides_as_fast_as_without() -> None:
    begun = begin_runs(draw_history(QUIET, 0, 40))
    by_ramp = decide_ramped(QUIET, PLUS_5, 0, begun, CONSTANT)[0]
    without = decide_runs(draw_paths(QUIET, PLUS_5, 0, 40), begun)[0]
    assert set(by_ramp.answers) == set(without.answers) == {Answer.REJECT}
    assert abs(by_ramp.failures.mean() - without.failures.mean()) < 6


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_traffic_comes_as_often_and_fails_as_often_as_the_scenario_says(scenario: Scenario) -> None:
    equal, worse = (draw_paths(scenario, canary, 0, 30) for canary in (EQUAL, AT_MARGIN))
    assert equal.requests.shape == (30, INTERVALS, 4)
    assert (equal.failures <= equal.requests).all()
    busy = equal.requests[:, 30:].mean(axis=(0, 1)) if scenario.silent_minutes else equal.requests.mean(axis=(0, 1))
    expected = scenario.variant_rps * 10 * (0.5 if scenario.silent_minutes else 1)
    assert busy / expected == pytest.approx([4, 4, 1, 1], rel=0.1)
    failures = equal.failures.sum(axis=(0, 1)) / equal.requests.sum(axis=(0, 1))
    assert failures[FIRST] >= 0.5 * scenario.base_rate
    assert failures[SECOND] == pytest.approx(failures[FIRST], rel=0.5)
    if scenario.name != "low":
        worse_failures = worse.failures.sum(axis=(0, 1)) / worse.requests.sum(axis=(0, 1))
        assert worse_failures[CANARY] > worse_failures[BASELINE]


def test_a_chunk_comes_out_the_same_whatever_was_simulated_before() -> None:
    first = draw_paths(QUIET, EQUAL, 3, 5)
    draw_paths(QUIET, BROKEN, 3, 5)
    again = draw_paths(QUIET, EQUAL, 3, 5)
    assert (first.failures == again.failures).all()
    assert (first.failures != draw_paths(QUIET, EQUAL, 4, 5).failures).any()


def test_a_fingerprint_tells_cells_apart() -> None:
    cells = [Cell(QUIET, canary, group) for canary in CANARIES for group in Group]
    assert len({fingerprint(cell) for cell in cells if cell.group in (Group.PEERS, Group.SERIN)}) == 2 * len(CANARIES)


def test_every_group_of_every_robustness_scenario_runs_and_is_reported(tmp_path: Path) -> None:
    stored: dict[str, object] = {}
    for scenario in (QUIET, *ROBUSTNESS):
        for group in (Group.PEERS, Group.SERIN, Group.RAMP):
            cell = Cell(scenario, EQUAL, group)
            decided = simulate(cell, 0, 2)
            names = [method.name for method in {Group.PEERS: PEERS, Group.RAMP: RAMPED}.get(group, WITH_HISTORY)]
            assert list(decided) == names
            summary = {"runs": 2, "promoted": 1, "rejected": 1, "rejected_in_two": 0, "minutes_median": 1.0}
            summary |= {"minutes_late": 2.0, "failures_mean": 3.0}
            stored[cell.key] = {"runs": 2, "methods": dict.fromkeys(names, summary) | {"cost": {"cpu_seconds": 1}}}
    facts = {"date": "2026-01-01", "commit": "0", "cpus": 2, "cpu": "x", "python": "3", "numpy": "2", "seed": 1}
    (tmp_path / "images").mkdir()
    (tmp_path / "verdict.md").write_text(
        "before\n<!-- written by make bench-verdict -->\nold\n<!-- end of what make bench-verdict wrote -->\nafter\n"
    )

    write_report(stored | {"measured": facts}, tmp_path)

    page = (tmp_path / "verdict-measured.md").read_text()
    assert "| bursts of 5 | **50.0** / – |" in page
    summary_page = (tmp_path / "verdict.md").read_text()
    assert summary_page.startswith("before\n")
    assert summary_page.endswith("after\n")
    assert "old" not in summary_page
