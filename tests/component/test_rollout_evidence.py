"""What the evidence does when there is little of it, none, or no Prometheus: it waits, and users are not touched."""

from collections.abc import Callable

import pytest
from serin_testkit.builders import a_model_deployment
from serin_testkit.held_phases import ROLLOUT
from serin_testkit.oracles import take_verdicts
from serin_testkit.world import World

pytestmark = pytest.mark.component

ENOUGH_INTERVALS = 8
"""Longer than the time after which `maxDuration: 1m` ends a comparison that has data."""


async def begin(world: World, **plan: object) -> None:
    await world.serve_first(a_model_deployment(version="1"))
    await world.begin_comparison(a_model_deployment(version="2").with_plan(**plan), ROLLOUT)


def go_down(world: World) -> None:
    world.prometheus.trouble = "Prometheus at http://prometheus:9090: cannot be connected to"


def go_stale(world: World) -> None:
    world.prometheus.is_stale = True


def lose_the_canary(world: World) -> None:
    world.prometheus.hidden = {"2"}


def come_back(world: World) -> None:
    world.prometheus.trouble, world.prometheus.is_stale, world.prometheus.hidden = None, False, set()


async def test_an_idle_service_waits_and_is_never_rejected(world: World) -> None:
    world.prometheus.requests = 0
    await begin(world, analysis={"maxDuration": "1m"}, onInconclusive="Reject")

    for _ in range(ENOUGH_INTERVALS):
        await world.pass_interval()

    status = world.rollout(ROLLOUT)["status"]
    assert (status["phase"], status["verdict"]["state"]) == ("Analyzing", "NoData")
    assert world.condition(world.rollout(ROLLOUT), "Stalled") is None
    world.prometheus.requests = 1000
    assert (await world.let_traffic_decide(ROLLOUT))["status"]["phase"] == "Promoted"


@pytest.mark.parametrize("fail", [go_down, go_stale, lose_the_canary], ids=["down", "stale", "partial"])
async def test_without_prometheus_the_evidence_stands_still_and_says_so(
    world: World, fail: Callable[[World], None]
) -> None:
    await begin(world, analysis={"maxDuration": "1m"}, onInconclusive="Reject")
    await world.pass_interval()
    await world.pass_interval()
    before = world.rollout(ROLLOUT)["status"]

    fail(world)
    for _ in range(ENOUGH_INTERVALS):
        await world.pass_interval()

    rollout = world.rollout(ROLLOUT)
    assert world.condition(rollout, "MetricsAvailable") == ("False", "Unavailable")
    assert rollout["status"]["phase"] == "Analyzing"
    assert rollout["status"]["metrics"] == before["metrics"]
    assert rollout["status"]["weights"] == before["weights"]


async def test_prometheus_going_and_coming_back_is_told(world: World) -> None:
    await begin(world, analysis={"minDuration": "5m"})
    await world.pass_interval()

    go_down(world)
    await world.pass_interval()
    assert world.condition(world.rollout(ROLLOUT), "MetricsAvailable") == ("False", "Unavailable")
    come_back(world)
    await world.pass_interval()

    assert world.condition(world.rollout(ROLLOUT), "MetricsAvailable") == ("True", "Scraped")
    reasons = [reason for name, reason, _ in await world.events() if name == ROLLOUT]
    assert reasons.index("MetricsUnavailable") < reasons.index("MetricsBack")


@pytest.mark.parametrize("fail", [go_down, go_stale, lose_the_canary], ids=["down", "stale", "partial"])
async def test_when_prometheus_is_back_the_verdict_is_the_one_that_the_requests_deserve(
    world: World, fail: Callable[[World], None]
) -> None:
    world.prometheus.failing = {"1": 0.01, "2": 0.02}
    await begin(world, analysis={"maxDuration": "1m"}, onInconclusive="Promote")
    await world.pass_interval()
    fail(world)
    for _ in range(ENOUGH_INTERVALS):
        await world.pass_interval()

    come_back(world)
    world.prometheus.failing = {"1": 0.01, "2": 0.5}
    rollout = await world.let_traffic_decide(ROLLOUT)

    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Rejected", "EvidenceBad")


async def test_a_counter_that_starts_again_from_zero_takes_nothing_back(world: World) -> None:
    await begin(world, analysis={"minDuration": "5m"})
    await world.pass_interval()
    await world.pass_interval()

    world.prometheus.reset_counters(world.pods("2"))
    await world.pass_interval()

    (metric,) = world.rollout(ROLLOUT)["status"]["metrics"]
    assert (metric["canary"]["requests"], metric["baseline"]["requests"]) == (2000, 2000)


async def test_what_happens_in_the_warm_up_is_not_judged(world: World) -> None:
    world.prometheus.failing = {"2": 0.06}
    await begin(world, analysis={"warmup": "30s"})

    for _ in range(3):
        await world.pass_interval()
    status = world.rollout(ROLLOUT)["status"]
    assert (status["phase"], status["reason"]) == ("Analyzing", "WarmingUp")

    world.prometheus.failing = {}
    assert (await world.let_traffic_decide(ROLLOUT))["status"]["phase"] == "Promoted"


async def test_a_canary_that_is_plainly_broken_is_rejected_in_the_warm_up(world: World) -> None:
    world.prometheus.failing = {"2": 1.0}
    await begin(world, analysis={"warmup": "10m"})

    rollout = await world.let_traffic_decide(ROLLOUT, intervals=10)
    assert rollout["status"]["phase"] == "Rejected"
    assert rollout["status"]["message"].startswith("Rejected: the canary fails 100 %, the baseline 0 %")


async def test_no_promotion_before_the_least_duration(world: World) -> None:
    await begin(world, analysis={"minDuration": "2m"})

    for _ in range(12):
        await world.pass_interval()
        assert world.phase(ROLLOUT) == "Analyzing"

    assert (await world.let_traffic_decide(ROLLOUT, intervals=2))["status"]["phase"] == "Promoted"


async def leave_open(world: World, choice: str) -> None:
    """So few requests that a minute proves nothing."""
    world.prometheus.requests = 5
    await begin(world, analysis={"maxDuration": "1m"}, onInconclusive=choice)
    for _ in range(8):
        await world.pass_interval()


async def test_an_open_verdict_waits_for_a_person_with_pause(world: World) -> None:
    await leave_open(world, "Pause")

    rollout, weather = world.rollout(ROLLOUT), world.model_deployment()
    assert (rollout["status"]["phase"], rollout["status"]["verdict"]["state"]) == ("Analyzing", "Inconclusive")
    assert world.condition(rollout, "Stalled") == ("True", "Inconclusive")
    assert world.condition(weather, "Stalled") == ("True", "Inconclusive")
    assert rollout["status"]["weights"]["nominal"] == {"stable": 50, "baseline": 25, "canary": 25}

    await world.decide(ROLLOUT, "Promote")
    await world.until_phase(ROLLOUT, "Promoted")


async def test_a_version_that_breaks_after_an_open_verdict_is_still_rejected(world: World) -> None:
    await leave_open(world, "Pause")

    world.prometheus.requests, world.prometheus.failing = 1000, {"2": 0.9}
    rollout = await world.let_traffic_decide(ROLLOUT)

    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Rejected", "EvidenceBad")


@pytest.mark.parametrize(("choice", "end"), [("Reject", "Rejected"), ("Promote", "Promoted")])
async def test_an_open_verdict_ends_as_the_plan_says(world: World, choice: str, end: str) -> None:
    await leave_open(world, choice)

    rollout = await world.until_phase(ROLLOUT, end)

    assert rollout["status"]["verdict"]["state"] == "Inconclusive"
    assert rollout["status"]["decidedBy"] == {"how": "Evidence"}


async def test_what_the_stable_pods_did_before_is_asked_for_once_and_weighs_the_evidence(world: World) -> None:
    world.prometheus.has_past = True
    await begin(world, analysis={"minDuration": "5m"})
    for _ in range(3):
        await world.pass_interval()

    (asked,) = world.prometheus.asked_history
    assert set(asked.questions[0].pods) == {pod["metadata"]["name"] for pod in world.pods("1", "primary")}
    (metric,) = world.rollout(ROLLOUT)["status"]["metrics"]
    assert metric["dispersion"] == {"reject": 1, "promote": 1, "serial": 1, "source": "History"}


async def test_without_a_past_the_comparison_goes_on_and_says_that_it_is_more_careful(world: World) -> None:
    await begin(world, analysis={"minDuration": "5m"})
    for _ in range(3):
        await world.pass_interval()

    (metric,) = world.rollout(ROLLOUT)["status"]["metrics"]
    assert metric["dispersion"]["source"] in ("Running", "Prior")
    assert metric["dispersion"]["promote"] > 1
    assert len(world.prometheus.asked_history) == 1


async def test_several_metrics_are_judged_together_with_one_question(world: World) -> None:
    metrics = [{"name": "errors"}, {"name": "timeouts", "margin": {"absolute": 0.02}}]
    await begin(world, analysis={"metrics": metrics})
    questions = len(world.prometheus.asked)
    rollout = await world.let_traffic_decide(ROLLOUT)

    assert rollout["status"]["phase"] == "Promoted"
    assert [metric["name"] for metric in rollout["status"]["metrics"]] == ["errors", "timeouts"]
    assert [metric["margin"] for metric in rollout["status"]["metrics"]] == [0.005, 0.02]
    assert rollout["status"]["message"].endswith("(errors, one of 2 metrics)")
    assert {len(request.questions) for request in world.prometheus.asked[questions:]} == {2}


async def test_a_baseline_that_fails_more_than_stable_holds_the_promotion_until_it_does_no_more(world: World) -> None:
    world.prometheus.has_past = True
    await begin(world, analysis={"minDuration": "2m", "metrics": [{"margin": {"absolute": 0.02}}]})
    world.prometheus.failing_baseline = 0.03
    world.prometheus.failing = {"1": 0.01, "2": 0.03}
    for _ in range(40):
        await world.pass_interval()

    rollout = world.rollout(ROLLOUT)
    assert rollout["status"]["phase"] == "Analyzing"
    assert world.condition(rollout, "ComparisonSuspect") == ("True", "BaselineDiffers")
    assert rollout["status"]["message"].startswith("No promotion while the comparison is suspect. success-rate: 3.00 %")
    assert "ComparisonSuspect" in [reason for name, reason, _ in await world.events() if name == ROLLOUT]

    world.prometheus.failing_baseline, world.prometheus.failing = None, {"1": 0.01, "2": 0.01}
    assert (await world.let_traffic_decide(ROLLOUT))["status"]["phase"] == "Promoted"


LATENCY = {"name": "latency", "type": "Histogram"}


async def test_a_version_as_fast_as_the_old_one_is_promoted_by_bounds_that_the_stable_pods_chose(world: World) -> None:
    await begin(world, analysis={"metrics": [{}, LATENCY]})
    rollout = await world.let_traffic_decide(ROLLOUT, intervals=80)

    assert rollout["status"]["phase"] == "Promoted"
    names = [metric["name"] for metric in rollout["status"]["metrics"]]
    assert names == ["success-rate", "latency/0.05", "latency/0.1", "latency/0.25"]
    assert world.prometheus.asked[-1].questions[1].bounds == (0.05, 0.1, 0.25)


async def test_a_slower_version_is_rejected_and_told_which_bound_it_misses(world: World) -> None:
    world.prometheus.slowness = {"2": 2.0}
    await begin(world, analysis={"metrics": [{}, {**LATENCY, "bounds": [0.1]}]})
    rollout = await world.let_traffic_decide(ROLLOUT)

    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Rejected", "EvidenceBad")
    assert rollout["status"]["message"].startswith(
        "Rejected: the canary is slower than 0.1 s in 20.0 %, the baseline in 10.0 %"
    )


PREDICTIONS = {"name": "predictions", "type": "Categories"}


async def test_a_version_that_predicts_other_classes_is_promoted_with_a_warning(world: World) -> None:
    world.prometheus.mix = {"2": {"sun": 0.2, "rain": 0.8}}
    await begin(world, analysis={"minDuration": "90s", "metrics": [{}, PREDICTIONS]})
    rollout = await world.let_traffic_decide(ROLLOUT)

    assert rollout["status"]["phase"] == "Promoted"
    assert world.condition(rollout, "PredictionDrift") == ("True", "BeyondLimit")
    assert "Warning, predictions: more than 5.0 % of the predictions moved" in rollout["status"]["message"]
    (_, metric) = rollout["status"]["metrics"]
    assert metric["drift"]["totalVariation"] == 0.3
    assert "PredictionDrift" in [reason for name, reason, _ in await world.events() if name == ROLLOUT]


async def test_a_version_that_predicts_other_classes_is_rejected_where_the_plan_says_so(world: World) -> None:
    world.prometheus.mix = {"2": {"sun": 0.2, "rain": 0.8}}
    await begin(world, analysis={"minDuration": "90s", "metrics": [{}, {**PREDICTIONS, "action": "Reject"}]})
    rollout = await world.let_traffic_decide(ROLLOUT)

    assert (rollout["status"]["phase"], rollout["status"]["reason"]) == ("Rejected", "EvidenceBad")
    assert rollout["status"]["message"].endswith("(predictions, one of 2 metrics)")


async def test_one_question_and_one_status_write_per_interval(world: World) -> None:
    await begin(world, analysis={"minDuration": "5m"})
    await world.pass_interval()
    questions, writes = len(world.prometheus.asked), len(world.operator.writes)

    for _ in range(5):
        await world.pass_interval()

    assert len(world.prometheus.asked) - questions == 5
    assert world.operator.writes[writes:] == [("status", "Rollout", ROLLOUT)] * 5


@pytest.mark.parametrize("failing", [{}, {"1": 0.02, "2": 0.08}], ids=["a good version", "a bad version"])
async def test_an_operator_that_is_killed_at_every_interval_comes_to_the_same_verdict_at_the_same_moment(
    world: World, another_world: World, failing: dict[str, float]
) -> None:
    for place in (world, another_world):
        place.prometheus.requests, place.prometheus.failing = 200, failing
        await begin(place)
    await world.let_traffic_decide(ROLLOUT)

    while another_world.phase(ROLLOUT) == "Analyzing":
        await another_world.pass_interval()
        await another_world.restart_operator()

    await another_world.let_traffic_decide(ROLLOUT)
    assert len(take_verdicts(world, ROLLOUT)) > 3
    assert take_verdicts(another_world, ROLLOUT) == take_verdicts(world, ROLLOUT)
    assert another_world.rollout(ROLLOUT)["status"]["message"] == world.rollout(ROLLOUT)["status"]["message"]
