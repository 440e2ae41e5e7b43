"""What the API server does with Serin's objects by the definitions alone: fill in, refuse with a reason, show.

The definitions are installed as a person does it, by `kubectl apply -f crds/`. No operator runs.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from component.refused_objects import (
    BOUNDS,
    MODEL_DEPLOYMENT_RULES,
    PLAN_RULES,
    Json,
    metric,
    model_deployment,
    rollout,
)
from component.refused_strategies import STRATEGY_RULES
from component.refused_traffic import TRAFFIC_RULES
from serin.api.crd import KINDS, make_crd
from serin.api.structural_schema import RULES
from serin.api.v1alpha1.model_deployment import ModelDeploymentSpec
from serin_testkit.control_plane import CRDS, ControlPlane, find_program

pytestmark = pytest.mark.component

EXAMPLES = CRDS.parent / "manifests" / "examples"

Kubectl = Callable[..., str]


class RefusedError(Exception):
    """kubectl ended with an error; the text is what a person reads."""


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """Calls kubectl with the definitions installed; a dictionary becomes the object it reads from its input."""
    cache = tmp_path_factory.mktemp("kubectl")
    with ControlPlane() as control_plane:

        def call(*arguments: str, body: Json | None = None) -> str:
            access = ["--kubeconfig", str(control_plane.kubeconfig), "--cache-dir", str(cache)]
            command = [str(find_program("kubectl")), *access, *arguments, *(["-f", "-"] if body else [])]
            done = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RefusedError(done.stderr.strip())
            return done.stdout

        call("apply", "-f", str(CRDS))
        call("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
        yield call


def refusal(kubectl: Kubectl, *arguments: str, body: Json | None = None) -> str:
    with pytest.raises(RefusedError) as refused:
        kubectl(*arguments, body=body)
    return str(refused.value)


RULE_ROWS = (*MODEL_DEPLOYMENT_RULES, *TRAFFIC_RULES, *PLAN_RULES, *STRATEGY_RULES)


@pytest.mark.parametrize(("body", "parts"), [*RULE_ROWS, *BOUNDS])
def test_refused_with_the_field_and_the_reason(kubectl: Kubectl, body: Json, parts: tuple[str, ...]) -> None:
    message = refusal(kubectl, "create", "--dry-run=server", body=body)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(model_deployment("w" * 45), id="the longest name"),
        pytest.param(model_deployment(rollout__size="100%"), id="a canary as large as stable"),
        pytest.param(model_deployment(rollout__size=1000), id="the largest canary"),
        pytest.param(model_deployment(replicas=0), id="no pods"),
        pytest.param(model_deployment(autoscaling={"maxReplicas": 3}), id="an autoscaler by its defaults"),
        pytest.param(model_deployment(disruptionBudget__maxUnavailable="25%"), id="a budget as a share"),
        pytest.param(model_deployment(model__uri="configmap://weather-v1/model.onnx"), id="a config map with its key"),
        pytest.param(model_deployment(model__uri="pvc://models/weather/1.onnx"), id="a claim with a path"),
        pytest.param(model_deployment(model__uri="s3://models/weather/1.onnx"), id="an object of a store"),
        pytest.param(
            model_deployment(rollout__analysis__metrics=metric(total='a{code=~"5.."}', failed="b")), id="own counters"
        ),
        pytest.param(
            model_deployment(rollout__analysis__metrics=metric(margin={"absolute": 0})), id="a margin by one part alone"
        ),
        pytest.param(
            model_deployment(rollout__analysis__dispersion={"mode": "Fixed", "value": 1}), id="independent failures"
        ),
        pytest.param(
            model_deployment(pod__affinity={"nodeAffinity": {"anything": [1, {"deep": True}]}}),
            id="free-form parts of a pod",
        ),
        pytest.param(
            model_deployment(
                server__metrics={"preset": "Custom", "total": "hits", "failed": "misses", "latencyBuckets": "s_bucket"},
                rollout__analysis__metrics=[{}, {"name": "latency", "type": "Histogram"}],
            ),
            id="a server's own counters",
        ),
        pytest.param(model_deployment(server__metrics__preset="Router"), id="counters of the routers"),
        pytest.param(
            model_deployment(rollout__analysis__metrics=metric(total='{__name__=~"ok|bad"}', failed="bad")),
            id="two counters by one selector",
        ),
        pytest.param(rollout(plan={}), id="a rollout with a plan of defaults"),
        pytest.param(
            model_deployment(rollout__steps=[{"weight": 0.1, "for": "1h"}, {"weight": 50, "approval": True}]),
            id="steps of one's own",
        ),
        *(
            pytest.param(model_deployment(rollout={"strategy": strategy, **plan}), id=f"{strategy} with {plan}")
            for strategy, plan in (
                ("BlueGreen", {"size": "25%", "bake": "1h", "analysis": {"interval": "5s", "metrics": metric()}}),
                ("BlueGreen", {"baseline": False, "approval": ["BeforeTraffic"]}),
                ("RollingUpdate", {"size": "25%", "analysis": {}, "bake": "0s"}),
                ("Recreate", {"preflight": {"requests": "configmap://golden"}, "analysis": {"metrics": [{}]}}),
            )
        ),
        pytest.param(model_deployment(rollout__ramp={"weights": [0.5, 1]}, rollout__bake="0s"), id="a ramp, no bake"),
    ],
)
def test_accepted(kubectl: Kubectl, body: Json) -> None:
    kubectl("create", "--dry-run=server", body=body)


def test_a_minimal_object_shows_every_default_and_that_nobody_has_looked_at_it_yet(kubectl: Kubectl) -> None:
    body = model_deployment()
    made = json.loads(kubectl("create", "--dry-run=server", "-o", "json", body=body))
    assert made["status"] == {"observedGeneration": -1}
    assert made["spec"] == without_empty(ModelDeploymentSpec.model_validate(body["spec"]).to_wire())


def without_empty(value: Any) -> Any:
    """The operator's view writes empty lists and maps out, the API server leaves them away."""
    if isinstance(value, dict):
        kept = {name: without_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in ({}, [])}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


def test_an_unknown_field_is_refused_by_its_name(kubectl: Kubectl) -> None:
    assert 'unknown field "spec.replica"' in refusal(kubectl, "create", body=model_deployment(replica=2))


FIXED_FIELDS = [
    pytest.param({"modelDeployment": "other"}, "modelDeployment cannot be changed", id="the model deployment"),
    pytest.param({"revision": "other"}, "revision cannot be changed", id="the revision"),
    pytest.param({"revision": None}, "revision cannot be changed", id="the revision away"),
    pytest.param({"plan": {"size": 2}}, "plan cannot be changed in the middle of a comparison", id="the plan"),
    pytest.param({"plan": None}, "plan cannot be changed in the middle of a comparison", id="the plan away"),
    pytest.param({"decision": "Promote"}, "decision is taken once", id="the decision"),
    pytest.param({"approvals": []}, "approvals only grow", id="an approval away"),
    pytest.param({"decision": None}, "decision is taken once", id="the decision away"),
]


@pytest.mark.parametrize(("change", "message"), FIXED_FIELDS)
def test_a_rollout_cannot_be_changed_in(kubectl: Kubectl, change: Json, message: str) -> None:
    made = rollout(revision="weather-6b7f9c", plan__size=1, decision="Reject", approvals=["Step1"])
    kubectl("apply", body=made)
    refused = refusal(kubectl, "patch", "mro/weather-1", "--type=merge", "-p", json.dumps({"spec": change}))
    assert message in refused
    assert "spec" in refused


def test_a_rollout_cannot_be_given_a_revision_or_a_plan_later(kubectl: Kubectl) -> None:
    kubectl("apply", body=rollout("bare"))
    for change in ('{"revision": "weather-6b7f9c"}', '{"plan": {}}'):
        patch = f'{{"spec": {change}}}'
        assert "cannot be changed" in refusal(kubectl, "patch", "mro/bare", "--type=merge", "-p", patch)


def test_a_rollout_can_be_paused_resumed_and_decided_once(kubectl: Kubectl) -> None:
    kubectl("apply", body=rollout("mutable", plan__size=1))
    for change in ({"paused": True}, {"paused": False}, {"decision": "Abort"}, {"paused": True}):
        kubectl("patch", "mro/mutable", "--type=merge", "-p", json.dumps({"spec": change}))
    spec = json.loads(kubectl("get", "mro/mutable", "-o", "json"))["spec"]
    assert (spec["paused"], spec["decision"]) == (True, "Abort")


def test_a_promotion_can_be_taken_back_and_steps_approved_one_by_one(kubectl: Kubectl) -> None:
    kubectl("apply", body=rollout("stepwise"))
    for change in ({"approvals": ["Step1"]}, {"approvals": ["Step1", "Step2"]}, {"decision": "Promote"}):
        kubectl("patch", "mro/stepwise", "--type=merge", "-p", json.dumps({"spec": change}))
    kubectl("patch", "mro/stepwise", "--type=merge", "-p", '{"spec":{"decision":"Reject"}}')
    spec = json.loads(kubectl("get", "mro/stepwise", "-o", "json"))["spec"]
    assert (spec["approvals"], spec["decision"]) == (["Step1", "Step2"], "Reject")


def test_kubectl_scale_changes_the_replicas(kubectl: Kubectl) -> None:
    kubectl("apply", body=model_deployment("scaled"))
    kubectl("scale", "md/scaled", "--replicas=3")
    assert kubectl("get", "md/scaled", "-o", "jsonpath={.spec.replicas}") == "3"


def test_kubectl_get_tells_the_story(kubectl: Kubectl) -> None:
    kubectl("apply", body=model_deployment("story"))
    kubectl("apply", body=rollout("story-2"))
    write_status(kubectl, "md/story", MODEL_DEPLOYMENT_STATUS)
    write_status(kubectl, "mro/story-2", ROLLOUT_STATUS)

    heads, cells = table(kubectl("get", "md/story"))
    assert heads == ["NAME", "STABLE", "CANDIDATE", "WEIGHT", "READY", "PHASE", "REASON", "AGE"]
    assert cells[:-1] == ["story", "1", "2", "25", "Unknown", "Progressing", "Analyzing"]

    heads, cells = table(kubectl("get", "mro/story-2"))
    assert heads == ["NAME", "DEPLOYMENT", "VERSION", "PHASE", "WEIGHT", "GOOD", "BAD", "ETA", "AGE"]
    assert cells[:-1] == ["story-2", "weather", "2", "Analyzing", "25", "31%", "2%", "3m30s"]

    assert "No sign of harm." in kubectl("get", "mro/story-2", "-o", "wide")
    assert "story-2" in kubectl("get", "serin")


CONDITION = {
    "type": "Ready",
    "status": "Unknown",
    "reason": "Analyzing",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
MODEL_DEPLOYMENT_STATUS = {
    "phase": "Progressing",
    "stable": {"revision": "story-a", "version": "1", "since": "2026-01-01T00:00:00Z"},
    "candidate": {"revision": "story-b", "version": "2", "rollout": "story-2", "weight": 25},
    "conditions": [CONDITION],
}
ROLLOUT_STATUS = {
    "phase": "Analyzing",
    "message": "No sign of harm.",
    "canary": {"revision": "story-b", "version": "2"},
    "weights": {"effective": {"stable": 50, "baseline": 25, "canary": 25}},
    "verdict": {"good": "31%", "bad": "2%", "eta": "3m30s"},
}


def write_status(kubectl: Kubectl, name: str, status: Json) -> None:
    kubectl("patch", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_every_rule_of_the_definitions_has_a_row_here() -> None:
    told = [part for row in RULE_ROWS for part in row.values[1]]
    told += [row.values[1] for row in FIXED_FIELDS]
    messages = {message for kind in KINDS for message in rule_messages(make_crd(kind))}
    assert [message for message in sorted(messages) if not any(part in message for part in told)] == []


def rule_messages(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (rule["message"] for rule in value.get(RULES, []))
        for inner in value.values():
            yield from rule_messages(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from rule_messages(inner)


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.relative_to(EXAMPLES).as_posix()
)
def test_an_example_is_taken_as_it_is(kubectl: Kubectl, path: Path) -> None:
    kinds = {document["kind"] for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document}
    assert kinds
    kubectl("create", "--dry-run=server", "-f", str(path))
