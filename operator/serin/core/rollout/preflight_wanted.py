"""Whether the preflight has questions to the new version now, and to whom."""

from dataclasses import dataclass

from serin.core.facts import Facts, InvalidSpec, PodAddress, Route, Track
from serin.core.model_deployment.attempts import open_rollouts
from serin.core.rollout.strategies import STRATEGIES


@dataclass(frozen=True, slots=True)
class PreflightWanted:
    """One ready pod of each version, the names that they serve their models by, and where golden requests are.

    `stable` is None where the strategy has taken its pods away already.
    """

    namespace: str
    stable: PodAddress | None
    stable_model: str
    candidate: PodAddress
    candidate_model: str
    golden_config_map: str | None


def wanted_preflight(facts: Facts) -> PreflightWanted | None:
    spec, stable = facts.model_deployment.spec, facts.model_deployment.status.stable
    rollout = next(iter(open_rollouts(facts)), None)
    if isinstance(spec, InvalidSpec) or spec.paused or stable is None or rollout is None:
        return None
    status, asked = rollout.status, rollout.spec
    if status.phase != "Preflight" or status.plan is None or status.canary is None:
        return None
    if isinstance(asked, InvalidSpec) or asked.paused or asked.decision:
        return None
    runs_both = STRATEGIES[status.plan.strategy].runs_both
    ours = _find_server(facts, stable.revision) if runs_both else (None, "")
    theirs = _find_server(facts, status.canary.revision)
    if ours is None or theirs is None:
        return None
    golden = status.plan.preflight.requests
    return PreflightWanted(
        namespace=facts.model_deployment.key.namespace,
        stable=ours[0],
        stable_model=ours[1],
        candidate=theirs[0],
        candidate_model=theirs[1],
        golden_config_map=golden.removeprefix("configmap://") if golden else None,
    )


def _find_server(facts: Facts, revision_name: str) -> tuple[PodAddress, str] | None:
    """A pod of the revision that can be asked, and its model's name."""
    revision = facts.revision(revision_name)
    pods = facts.pods_of(Route(revision_name, Track.PRIMARY))
    ready = (pod for pod in pods if pod.ready and not pod.terminating and pod.address)
    pod = next(ready, None)
    if revision is None or pod is None or pod.address is None:
        return None
    content = revision.content
    return PodAddress(pod.name, pod.address, content.server.ports.http), (
        content.model.name or facts.model_deployment.key.name
    )
