"""ABTest: users stay with one of two versions, and a business metric says who serves them better."""

from typing import Any

import pytest
from serin.api.v1alpha1.rollout import TrialStatus
from serin.core.evidence.counters import Reading
from serin.core.facts import MetricReadings
from serin.core.metric_presets import FailedCounter
from serin.core.model_deployment.metrics_wanted import wanted_metrics
from serin.core.rollout.trials import BUSINESS_STREAM
from unit.core.exact_traffic import ExactTraffic
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

STICKY = {"provider": "Router", "sticky": {"header": "x-user-id"}}
METRIC = {"total": "offers_total", "success": 'offers_total{taken="yes"}'}


class Trial:
    """A rollout of version 2 beside 1. Every pod of a version has the same share of successes."""

    def __init__(self, *, minimum_effect: float = 0.05, replicas: int = 2, **plan: Any) -> None:
        ab_test = {"metric": METRIC, "minimumEffect": minimum_effect}
        self.cluster = PaperCluster(
            replicas=replicas, splits_exactly=True, strategy="ABTest", abTest=ab_test, **plan
        ).applying(traffic=STICKY)
        self.cluster.serving("1").wanting("2").until("Analyzing").settled()
        self.counted: dict[str, tuple[float, float]] = {}
        self.compare({})

    def compare(self, successes: dict[str, int], times: int = 1, canary_failures: int = 0) -> None:
        """Of 1000 chances per pod, by version."""
        for _ in range(times):
            self.cluster.count_requests(1000, canary_failures)
            for pod in self.cluster.pods.all:
                total, taken = self.counted.get(pod.name, (0.0, 0.0))
                more = successes.get(self.cluster.version_of(pod.route.revision), 0)
                self.counted[pod.name] = (total + 1000, taken + more)
            self.cluster.passing(INTERVAL_SECONDS).look(self.readings())

    def readings(self) -> MetricReadings:
        at = self.cluster.now.timestamp()
        business = {pod: Reading(at, total, taken) for pod, (total, taken) in self.counted.items()}
        return MetricReadings({**self.cluster.readings().by_stream, BUSINESS_STREAM: business})

    def trial(self) -> TrialStatus:
        found = self.cluster.attempt.metrics[-1].trial
        assert found is not None
        return found


def go_on(trial: Trial, successes: dict[str, int]) -> str:
    """Until something is decided; the reason."""
    while trial.cluster.attempt.reason in ("Comparing", "WarmingUp", "NoData"):
        trial.compare(successes)
    return trial.cluster.attempt.reason or ""


def test_half_of_the_users_get_the_new_version_and_half_young_pods_of_the_old_one() -> None:
    assert Trial().cluster.weights() == {"1 baseline": 50.0, "2 primary": 50.0}


def test_no_version_gets_more_users_than_its_pods_bear() -> None:
    assert Trial(replicas=5).cluster.weights() == {"1 primary": 60.0, "1 baseline": 20.0, "2 primary": 20.0}


def test_the_business_metric_is_asked_of_the_pods_of_both() -> None:
    trial = Trial()
    wanted = wanted_metrics(trial.cluster.passing(INTERVAL_SECONDS).facts())
    assert wanted is not None
    (question,) = [question for question in wanted.counters.questions if question.name == BUSINESS_STREAM]

    assert question.requests == "offers_total"
    assert question.failed == FailedCounter('offers_total{taken="yes"}', is_lazy=True)
    assert len(question.pods) == 4


def test_the_new_version_wins_and_is_promoted() -> None:
    trial = Trial()
    assert go_on(trial, {"1": 100, "2": 200}) == "EvidenceGood"

    trial.cluster.until("Promoted")
    assert "the new version wins, for the new version succeeds in 20.0 %, the old one in 10.0 %" in (
        trial.cluster.attempt.message or ""
    )
    assert trial.cluster.weights() == {"2 primary": 100.0}


def test_the_old_version_wins_and_the_new_one_is_rejected() -> None:
    trial = Trial()
    assert go_on(trial, {"1": 200, "2": 100}) == "EvidenceBad"

    assert trial.cluster.attempt.phase == "Rejected"
    assert "Rejected: the old version wins" in (trial.cluster.attempt.message or "")


def test_the_guardrail_rejects_a_winner_that_fails() -> None:
    trial = Trial()
    trial.compare({"1": 100, "2": 110}, times=3, canary_failures=500)

    assert trial.cluster.attempt.phase == "Rejected"
    assert "the canary fails 50.0 %" in (trial.cluster.attempt.message or "")


@pytest.mark.parametrize(
    ("choice", "phase"), [("Pause", "Analyzing"), ("Reject", "Rejected"), ("Promote", "Promoting")]
)
def test_no_difference_is_said_and_the_plan_says_what_follows(choice: str, phase: str) -> None:
    trial = Trial(onInconclusive=choice)
    assert go_on(trial, {"1": 100, "2": 101}) == "NoDifference"

    assert trial.cluster.attempt.phase == phase
    assert "No difference of 5 pp or more, with 95 % confidence" in (trial.cluster.attempt.message or "")
    assert trial.trial().outcome == "NoDifference"


def test_without_an_answer_by_the_end_it_is_inconclusive() -> None:
    trial = Trial(minimum_effect=0.001)
    assert go_on(trial, {"1": 100, "2": 101}) == "Inconclusive"
    assert "No winner yet" in (trial.cluster.attempt.message or "")


def test_without_a_count_nothing_is_decided() -> None:
    trial = Trial()
    trial.cluster.compare(requests=20000)
    trial.cluster.compare(requests=20000)

    assert trial.cluster.attempt.phase == "Analyzing"
    assert "Nothing has been counted of both versions" in (trial.cluster.attempt.message or "")


def test_the_status_has_the_numbers() -> None:
    trial = Trial()
    trial.compare({"1": 100, "2": 110})

    business = trial.cluster.attempt.metrics[-1]
    assert (business.name, business.baseline.rate, business.canary.rate) == ("business", 0.1, 0.11)
    assert (business.canary.requests, business.canary.failures) == (1000, 890)
    assert trial.trial().difference == pytest.approx(0.01)
    assert (trial.trial().wins_at, trial.trial().no_difference_at) == (200, 20)


class TestWithoutKeptUsers:
    def test_a_provider_that_cannot_keep_users_is_told_before_anything_starts(self) -> None:
        cluster = PaperCluster(strategy="ABTest", abTest={"metric": METRIC}).applying(traffic=STICKY)
        cluster.serving("1").wanting("2").settled()

        assert (cluster.attempt.phase, cluster.attempt.reason) == ("Pending", "NotSticky")
        assert "provider Replicas cannot keep a user" in (cluster.attempt.message or "")
        cluster.traffic = ExactTraffic()
        cluster.until("Analyzing")

    def test_so_is_a_rollout_by_hand_whose_model_deployment_is_not_sticky(self) -> None:
        cluster = PaperCluster(splits_exactly=True, strategy="ABTest", abTest={"metric": METRIC})
        cluster.serving("1").wanting("2").settled()

        assert cluster.attempt.reason == "NotSticky"
        assert "Set spec.traffic.sticky" in (cluster.attempt.message or "")
