"""What must hold after every single action of every plan, however it was cut off: the promises made to users.

Written against what is stored, not against the code that decides it.
"""

from collections.abc import Mapping
from typing import Any

from serin.api.v1alpha1.rollout import Phase
from serin.core.plan import Action, Apply, CreateRollout, Delete, SetTraffic, WriteStatus
from serin.core.rollout.phases import TRANSITIONS, is_terminal
from unit.core.paper_cluster import PaperCluster

Json = dict[str, Any]
PROGRESS = ("Ready", "Reconciling", "Stalled")


class RulesOfMotion:
    """A watcher of a cluster on paper; raises AssertionError at the action that breaks a rule."""

    def __init__(self) -> None:
        self._phases: dict[str, Phase] = {}
        self._served: str | None = None
        self._templates: dict[str, Any] = {}

    def __call__(self, cluster: PaperCluster, action: Action) -> None:
        _stable_keeps_its_pods(cluster, action)
        _one_attempt_at_a_time(cluster)
        self._no_pod_is_restarted(action)
        match action:
            case SetTraffic():
                self._users_are_sent_to_ready_pods(cluster)
                _weights_name_who_can_answer(cluster)
            case Apply():
                _ready_pods_stay_enough(cluster, action)
            case WriteStatus(kind="Rollout"):
                self._phases_keep_to_the_table(action)
                _attempts_tell_kstatus_the_truth(action.status)
            case WriteStatus(kind="ModelDeployment"):
                _model_deployments_tell_kstatus_the_truth(action.status)
                _ready_means_the_wanted_version_serves(cluster, action.status)
            case Delete(kind="Rollout"):
                self.forget(action.name)
            case CreateRollout():
                assert action.manifest["spec"]["revision"] in {name for kind, name in cluster.objects}

    def forget(self, rollout: str) -> None:
        """It is deleted: the name may come again, as another attempt."""
        self._phases.pop(rollout, None)

    def _no_pod_is_restarted(self, action: Action) -> None:
        if isinstance(action, Apply) and action.manifest["kind"] == "Deployment":
            name, template = action.manifest["metadata"]["name"], action.manifest["spec"]["template"]
            assert self._templates.setdefault(name, template) == template, f"{name} would restart its pods"

    def _users_are_sent_to_ready_pods(self, cluster: PaperCluster) -> None:
        """All requests go to stable, or go over to a revision of full and ready size, which keeps them while it bakes.

        Or nothing has ever been stable.
        """
        stable, served, before = cluster.model_deployment.stable, cluster.most_served_revision(), self._served
        self._served = served
        if stable is None or served in (None, stable.revision):
            return
        if _strategy(cluster) == "RollingUpdate":
            return  # a majority is nothing in particular: see _weights_name_who_can_answer
        # Where nobody serves one pod is better than none.
        whole = min(cluster.spec["replicas"], 1) if _strategy(cluster) == "Recreate" else cluster.spec["replicas"]
        needed = whole if served != before else 0
        assert _ready_pods(cluster, served or "") >= needed, f"users are sent to {served}, which is not ready"

    def _phases_keep_to_the_table(self, status: WriteStatus) -> None:
        before, after = self._phases.get(status.name, "Pending"), status.status["phase"]
        assert after == before or after in TRANSITIONS[before], f"{status.name} went from {before} to {after}"
        self._phases[status.name] = after


def _stable_keeps_its_pods(cluster: PaperCluster, action: Action) -> None:
    stable = cluster.model_deployment.stable
    if stable is None:
        return
    assert action != Delete("Deployment", stable.revision)
    if isinstance(action, Apply) and action.manifest["kind"] == "Deployment":
        is_stable = action.manifest["metadata"]["name"] == stable.revision
        count, needed = action.manifest["spec"]["replicas"], cluster.spec["replicas"]
        if not is_stable or count >= needed:
            return
        match _strategy(cluster):
            case "RollingUpdate":
                canary = cluster.attempt.canary
                assert canary is not None
                assert count + _ready_pods(cluster, canary.revision) >= needed, "stable shrinks too far"
            case "Recreate":
                assert cluster.attempt.phase in ("Preparing", "Preflight", "Promoting"), "stable is not away for long"
            case _:
                raise AssertionError("stable shrinks")


def _ready_pods_stay_enough(cluster: PaperCluster, action: Apply) -> None:
    """Of RollingUpdate: whoever has got requests keeps its ready pods until others can take them."""
    if _strategy(cluster) != "RollingUpdate" or action.manifest["kind"] != "Deployment":
        return
    name, served = action.manifest["metadata"]["name"], cluster.served_revisions()
    if name not in served:
        return
    ready = {revision: _ready_pods(cluster, revision) for revision in served}
    left = sum(ready.values()) - ready[name] + min(ready[name], action.manifest["spec"]["replicas"])
    assert left >= min(sum(ready.values()), cluster.spec["replicas"]), f"ready pods of {name} are missed"


def _weights_name_who_can_answer(cluster: PaperCluster) -> None:
    """Of RollingUpdate: no share of the requests goes to a new version without a ready pod."""
    if _strategy(cluster) == "RollingUpdate" and cluster.model_deployment.stable and cluster.spec["replicas"]:
        for revision in cluster.served_revisions() - {cluster.model_deployment.stable.revision}:
            assert _ready_pods(cluster, revision), f"requests go to {revision}, which has no ready pod"


def _strategy(cluster: PaperCluster) -> str:
    name: str = cluster.spec["rollout"].get("strategy", "Canary")
    return name


def _ready_pods(cluster: PaperCluster, revision: str) -> int:
    return sum(pod.ready for pod in cluster.pods.of(revision))


def _one_attempt_at_a_time(cluster: PaperCluster) -> None:
    begun = [live["metadata"]["name"] for live in cluster.all("Rollout") if _is_running(live.get("status", {}))]
    assert len(begun) <= 1, f"{begun} run at the same time"


def _is_running(status: Json) -> bool:
    return status.get("phase") not in (None, "Pending") and not is_terminal(status["phase"])


def _conditions(status: Mapping[str, Any]) -> dict[str, Json]:
    return {condition["type"]: condition for condition in status["conditions"]}


def _attempts_tell_kstatus_the_truth(status: Mapping[str, Any]) -> None:
    found = _conditions(status)
    told = [name for name in PROGRESS if name in found and found[name]["status"] == "True"]
    match status["phase"]:
        case "Promoted":
            assert told == ["Ready"]
        case "Rejected" | "RolledBack" | "Failed":
            assert told == ["Stalled"]
        case "Aborted" | "Superseded":
            assert not set(PROGRESS) & found.keys()
        case _:
            assert told in (["Reconciling"], ["Stalled"])
            assert "finishedAt" not in status
    assert ("finishedAt" in status) == (status["stages"][-1].get("finished") is not None)


def _model_deployments_tell_kstatus_the_truth(status: Mapping[str, Any]) -> None:
    found = _conditions(status)
    told = [name for name in PROGRESS if name in found and found[name]["status"] == "True"]
    assert "Ready" in found
    assert len(told) == 1, f"{told} at once"
    assert status.get("rejected", {}).get("revision") != status.get("stable", {}).get("revision", "none")
    assert all(condition["status"] == "True" for name, condition in found.items() if name in PROGRESS[1:])
    assert all(condition["observedGeneration"] == status["observedGeneration"] for condition in found.values())


def _ready_means_the_wanted_version_serves(cluster: PaperCluster, status: Mapping[str, Any]) -> None:
    if _conditions(status)["Ready"]["status"] == "True":
        assert status["stable"]["version"] == cluster.spec["model"]["version"]
        assert status["stable"]["readyReplicas"] == cluster.spec["replicas"]
