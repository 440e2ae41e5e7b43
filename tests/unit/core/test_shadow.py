"""Shadow: users get stable's answers alone; copies of their requests decide about the new version."""

from typing import Any

import pytest
from serin.api.v1alpha1.rollout import AgreementStatus
from serin.core.evidence.counters import Reading
from serin.core.facts import MetricReadings, Track
from serin.core.model_deployment.metrics_wanted import wanted_metrics
from serin.core.plan import Mirror, Plan, SetTraffic, TrafficIntent
from serin.core.rollout.agreements import KINDS, stream_of
from unit.core.exact_traffic import ExactTraffic
from unit.core.paper_cluster import INTERVAL_SECONDS, SERVER_IMAGE, PaperCluster

NOBODY_BUT_STABLE = {"1 primary": 100.0}


class Shadowed:
    """A rollout of version 2 beside 1 as a shadow. Each interval every pod of both gets the same copies."""

    def __init__(self, replicas: int = 2, phase: str = "Analyzing", **plan: Any) -> None:
        self.cluster = PaperCluster(replicas=replicas, splits_exactly=True, strategy="Shadow", **plan)
        self.cluster.serving("1").wanting("2").until(phase).settled()
        self.agreed = self.status = self.type = self.value = 0

    def compare(
        self,
        agreed: int = 0,
        *,
        times: int = 1,
        canary_failures: int = 0,
        **differing: int,
    ) -> Plan:
        for _ in range(times):
            self.agreed += agreed
            for kind, count in differing.items():
                setattr(self, kind, getattr(self, kind) + count)
            self.cluster.count_requests(agreed + sum(differing.values()), canary_failures)
            plan = self.cluster.passing(INTERVAL_SECONDS).look(self.readings())
        return plan

    def readings(self) -> MetricReadings:
        at, counts = self.cluster.now.timestamp(), {kind: getattr(self, kind) for kind in KINDS}
        total = self.agreed + sum(counts.values())
        failed = {stream_of(): total - self.agreed, **{stream_of(kind): count for kind, count in counts.items()}}
        pods = [pod.name for pod in self.cluster.pods.all if pod.route.track is Track.COMPARER]
        return MetricReadings(
            {
                **self.cluster.readings().by_stream,
                **{stream: {pod: Reading(at, total, count) for pod in pods} for stream, count in failed.items()},
            }
        )

    def intent(self, plan: Plan | None = None) -> TrafficIntent:
        actions = (plan or self.cluster.plan()).actions
        return next(action.intent for action in actions if isinstance(action, SetTraffic))

    def agreement(self) -> AgreementStatus:
        found = self.cluster.attempt.metrics[-1].agreement
        assert found is not None
        return found


def comparing(**plan: Any) -> Shadowed:
    shadowed = Shadowed(**plan)
    shadowed.compare()  # the first look only sees where the counters stand
    return shadowed


def test_copies_go_to_a_comparer_and_users_to_stable_alone() -> None:
    shadowed = Shadowed()

    comparer = shadowed.cluster.route_of("2", "comparer")
    assert shadowed.intent().mirror == Mirror(comparer, 50.0)
    assert shadowed.intent().has_backend(comparer)
    assert shadowed.cluster.weights() == NOBODY_BUT_STABLE
    assert "copies of 50 % of the requests" in " ".join(event.message for event in shadowed.cluster.events)


def test_the_comparer_asks_both_versions_and_knows_what_may_differ() -> None:
    compare = {"tolerance": 0.01, "ignore": ["took_ms"]}
    shadowed = Shadowed(shadow={"fraction": 10, "compare": compare})

    deployment = shadowed.cluster.objects["Deployment", f"{shadowed.cluster.route_of('2').revision}-comparer"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == SERVER_IMAGE
    assert container["args"] == [
        "--port=8080",
        "--baseline=weather-baseline:8080",
        "--baseline-version=1",
        "--canary=weather-canary:8080",
        "--canary-version=2",
        "--tolerance=0.01",
        "--ignore=took_ms",
    ]
    assert shadowed.intent().mirror == Mirror(shadowed.cluster.route_of("2", "comparer"), 10.0)


def test_no_more_is_copied_than_the_pods_bear() -> None:
    assert Shadowed(replicas=8, size=2).intent().mirror == Mirror(
        Shadowed(replicas=8).cluster.route_of("2", "comparer"), 25.0
    )
    assert "25 % of the requests" in " ".join(event.message for event in Shadowed(replicas=4).cluster.events)


def test_nothing_is_copied_before_all_pods_are_ready() -> None:
    cluster = PaperCluster(splits_exactly=True, strategy="Shadow").serving("1").wanting("2").until("Preparing")
    cluster.look()
    revision = cluster.attempt.canary
    assert revision is not None
    cluster.pods.broken = {f"{revision.revision}-comparer": "ErrImagePull"}
    cluster.settled()

    assert cluster.attempt.phase == "Preparing"
    assert "of the comparer: ErrImagePull" in (cluster.attempt.message or "")


def test_answers_that_agree_promote_and_users_meet_the_new_version_only_then() -> None:
    shadowed = comparing()
    while shadowed.cluster.attempt.phase == "Analyzing":
        assert shadowed.cluster.weights() == NOBODY_BUT_STABLE
        shadowed.compare(agreed=200)

    assert shadowed.cluster.weights() == NOBODY_BUT_STABLE
    shadowed.cluster.until("Promoted")
    assert shadowed.cluster.weights() == {"2 primary": 100.0}
    assert not any("comparer" in name for _, name in shadowed.cluster.objects)


def test_answers_of_another_type_reject_and_no_user_has_seen_one() -> None:
    shadowed = comparing()
    weights = []
    while shadowed.cluster.attempt.phase == "Analyzing":
        shadowed.compare(agreed=180, type=15, value=5)
        weights.append(shadowed.cluster.weights())

    attempt = shadowed.cluster.attempt
    assert attempt.phase == "Rejected"
    assert "90 % of 200 answers agree" in (attempt.message or "")
    assert "20 differ: 15 in type, 5 in value" in (attempt.message or "")
    assert all(seen == NOBODY_BUT_STABLE for seen in weights)


def test_the_status_has_the_numbers_and_the_sentence() -> None:
    shadowed = comparing()
    shadowed.compare(agreed=198, status=1, value=1)

    agreement = shadowed.agreement()
    assert (agreement.compared, agreement.agreed) == (200, 198)
    assert (agreement.status, agreement.type, agreement.value) == (1, 0, 1)
    assert agreement.low < 0.99 < agreement.high
    assert agreement.sentence.startswith(
        "99 % of 200 answers agree with those of the old version, with 95 % confidence"
    )


def test_failures_of_the_shadow_reject_as_those_of_a_canary_do() -> None:
    shadowed = comparing()
    shadowed.compare(agreed=500, canary_failures=250, times=3)

    assert shadowed.cluster.attempt.phase == "Rejected"
    assert "the canary fails 50.0 %" in (shadowed.cluster.attempt.message or "")


def test_without_a_compared_answer_there_is_no_verdict() -> None:
    shadowed = comparing()
    shadowed.cluster.compare(requests=5000)

    assert shadowed.cluster.attempt.phase == "Analyzing"
    assert shadowed.cluster.attempt.reason == "NoData"
    assert "No answer to a copy of a request has been compared yet" in (shadowed.cluster.attempt.message or "")


def test_what_is_compared_during_a_pause_or_the_warm_up_is_not_judged() -> None:
    shadowed = comparing(analysis={"warmup": "20s", "minDuration": "0s", "maxDuration": "5m"})
    shadowed.compare(type=50)
    shadowed.compare(agreed=10)
    shadowed.cluster.pausing().look()
    shadowed.type += 50
    shadowed.cluster.pausing(False).passing(INTERVAL_SECONDS).look()
    shadowed.compare(agreed=10, times=2)

    agreement = shadowed.agreement()
    assert (agreement.agreed, agreement.type) == (20, 0)


def test_a_restart_of_operator_or_comparer_counts_nothing_twice() -> None:
    shadowed = comparing()
    shadowed.compare(agreed=50)
    shadowed.cluster.look(shadowed.readings())
    assert shadowed.agreement().compared == 50

    shadowed.agreed = 0
    shadowed.compare(agreed=30)
    assert shadowed.agreement().compared == 80


def test_the_comparer_is_asked_in_one_query_with_all_kinds() -> None:
    shadowed = comparing()
    wanted = wanted_metrics(shadowed.cluster.passing(INTERVAL_SECONDS).facts())
    assert wanted is not None
    ours = [question for question in wanted.counters.questions if question.name.startswith("/")]

    assert {question.name for question in ours} == {stream_of(), *map(stream_of, KINDS)}
    assert len({(question.requests, question.pods) for question in ours}) == 1


@pytest.mark.parametrize("decision", ["Reject", "Abort"])
def test_a_person_may_end_it_and_nothing_of_it_stays(decision: str) -> None:
    shadowed = comparing()
    shadowed.cluster.deciding(decision).settled()

    assert shadowed.intent().mirror is None
    assert not any("comparer" in name for _, name in shadowed.cluster.objects)


class TestWithoutCopies:
    def test_a_provider_that_cannot_copy_is_told_before_anything_starts(self) -> None:
        cluster = PaperCluster(strategy="Shadow").serving("1").wanting("2").settled()

        assert (cluster.attempt.phase, cluster.attempt.reason) == ("Pending", "CannotMirror")
        assert "provider Replicas cannot copy requests" in (cluster.attempt.message or "")
        assert any(c.type == "Stalled" and c.status == "True" for c in cluster.attempt.conditions)
        assert "Version 2 cannot be tried like this: A Shadow needs copies" in (cluster.model_deployment.message or "")
        assert len(cluster.all("Deployment")) == 1

    def test_it_begins_as_soon_as_the_provider_can(self) -> None:
        cluster = PaperCluster(strategy="Shadow").serving("1").wanting("2").settled()
        cluster.traffic = ExactTraffic()
        cluster.until("Analyzing")

    def test_counters_of_routers_do_not_see_copies(self) -> None:
        server = {"image": "theirs:1", "metrics": {"preset": "Router"}}
        cluster = PaperCluster(splits_exactly=True, strategy="Shadow").wanting("1", server=server).settled()
        cluster.wanting("2").settled()

        assert (cluster.attempt.phase, cluster.attempt.reason) == ("Pending", "CannotCount")
        assert "Metric success-rate has the preset Router" in (cluster.attempt.message or "")

    def test_the_first_version_needs_no_copies(self) -> None:
        assert PaperCluster(strategy="Shadow").serving("1").attempt.phase == "Promoted"
