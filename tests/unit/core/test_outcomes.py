"""What an attempt leaves behind in its ModelDeployment: remembered, forgotten, returned to."""

import pytest
from serin.core.plan import CreateRollout
from unit.core.paper_cluster import PaperCluster


def analyzing() -> PaperCluster:
    return PaperCluster().serving("1").wanting("2").until("Analyzing")


def rejected() -> PaperCluster:
    return analyzing().deciding("Reject").settled()


def test_a_promotion_makes_the_old_stable_the_previous_one() -> None:
    status = analyzing().deciding("Promote").settled().model_deployment

    assert status.stable is not None
    assert status.previous is not None
    assert (status.stable.version, status.previous.version) == ("2", "1")
    assert status.candidate is None


@pytest.mark.parametrize(("decision", "phase"), [("Reject", "Rejected"), ("Abort", "Aborted")])
def test_a_refused_revision_is_not_tried_again_by_a_resync_of_the_same_spec(decision: str, phase: str) -> None:
    cluster = analyzing().deciding(decision).settled()
    cluster.wanting("2").passing(3600).settled()

    assert cluster.model_deployment.rejected is not None
    assert cluster.model_deployment.rejected.phase == phase
    assert len(cluster.all("Rollout")) == 2


def test_a_refused_revision_that_is_wanted_again_after_another_one_is_a_new_wish() -> None:
    cluster = rejected().wanting("1").settled()
    assert cluster.model_deployment.rejected is None

    assert cluster.wanting("2").settled().attempt_name == "weather-3"


def test_a_refusal_is_remembered_when_the_operator_was_killed_right_after_the_verdict() -> None:
    cluster = analyzing().deciding("Reject")
    cluster.look(killed_after=1)
    assert cluster.rollout("weather-2").phase == "Rejected"
    assert cluster.model_deployment.rejected is None

    assert not any(isinstance(action, CreateRollout) for action in cluster.look().actions)
    assert cluster.model_deployment.rejected is not None


def test_a_refusal_outlives_its_rollout() -> None:
    cluster = PaperCluster().applying(historyLimit=0).serving("1").wanting("2").until("Analyzing")
    cluster.deciding("Reject").settled()

    assert cluster.all("Rollout") == []
    assert cluster.model_deployment.rejected is not None
    assert cluster.model_deployment.phase == "Degraded"


def test_a_first_revision_that_misses_its_deadline_becomes_stable_when_its_pods_come_after_all() -> None:
    cluster = PaperCluster(progressDeadline="1m").wanting("1")
    cluster.look()
    cluster.look()
    (name,) = [live["metadata"]["name"] for live in cluster.all("Deployment")]
    cluster.pods.broken[name] = "ImagePullBackOff"
    cluster.settled().passing(61).settled()
    assert cluster.attempt.phase == "Failed"
    assert cluster.model_deployment.phase == "Degraded"

    del cluster.pods.broken[name]
    assert cluster.settled().model_deployment.phase == "Healthy"


@pytest.mark.parametrize("decision", ["Reject", "Abort"])
def test_a_first_revision_that_a_person_refused_never_becomes_stable_by_itself(decision: str) -> None:
    cluster = PaperCluster().wanting("1")
    cluster.look()
    cluster.look()
    cluster.deciding(decision).settled()

    assert cluster.model_deployment.stable is None
    assert cluster.model_deployment.phase == "Degraded"
    assert cluster.pods.all == []


def test_a_promotion_whose_ending_was_lost_is_completed_and_not_aborted() -> None:
    cluster = analyzing().deciding("Promote").until("Promoting")
    cluster.pods.run(cluster.all("Deployment"), cluster.now)
    cluster.look()
    killed_before_the_record = [action.__class__.__name__ for action in cluster.plan().actions].index("WriteStatus") + 1
    cluster.look(killed_after=killed_before_the_record)
    assert cluster.model_deployment.stable is not None
    assert cluster.model_deployment.stable.version == "2"
    assert cluster.rollout("weather-2").phase == "Promoting"

    cluster.settled()
    ended = cluster.rollout("weather-2")
    assert ended.phase == "Promoted"
    assert ended.stable is not None
    assert ended.stable.version == "1", "what it began beside"
