"""Buttons in Argo CD: the table action_test.yaml beside each kind's scripts, in the form of Argo CD's own tests."""

import pytest
from lupa.lua51 import LuaError
from serin.api.v1alpha1.model_deployment import ModelDeployment
from serin.api.v1alpha1.rollout import Rollout
from unit.argocd.customizations import KINDS, Json, cases, discover_actions, folder_of, load, run_action

MODELS = {"ModelDeployment": ModelDeployment, "Rollout": Rollout}


def _table(section: str, having: str = "inputPath") -> list[object]:
    return [
        pytest.param(kind, case, id=f"{kind}/{case.get('action', 'discovery')}/{case['inputPath'].split('/')[-1]}")
        for kind, case in cases("actions/action_test.yaml", section)
        if having in case
    ]


def _load(kind: str, path: str) -> Json:
    obj: Json = load(folder_of(kind) / "actions" / path)
    return obj


@pytest.mark.parametrize(("kind", "case"), _table("discoveryTests"))
def test_exactly_those_actions_are_offered_that_would_do_something(kind: str, case: Json) -> None:
    expected = {action["name"]: not action["disabled"] for action in case["result"]}
    assert discover_actions(kind, _load(kind, case["inputPath"])) == expected


@pytest.mark.parametrize(("kind", "case"), _table("actionTests"))
def test_an_action_makes_what_the_table_says(kind: str, case: Json) -> None:
    if "expectedErrorMessage" in case:
        with pytest.raises(LuaError, match=f"^{case['expectedErrorMessage']}$"):
            run_action(kind, case["action"], _load(kind, case["inputPath"]))
        return
    done = run_action(kind, case["action"], _load(kind, case["inputPath"]))
    expected = load(folder_of(kind) / "actions" / case["expectedOutputPath"])
    if isinstance(expected, list):
        expected = [{"operation": item["k8sOperation"], "resource": item["unstructuredObj"]} for item in expected]
    else:
        expected = [{"operation": "patch", "resource": expected}]
    assert done == expected


@pytest.mark.parametrize(("kind", "case"), _table("actionTests", "expectedOutputPath"))
def test_what_an_action_writes_is_what_the_api_takes(kind: str, case: Json) -> None:
    for operation in run_action(kind, case["action"], _load(kind, case["inputPath"])):
        written = operation["resource"]
        MODELS[written["kind"]].model_validate(written)


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_that_is_offered_has_its_script_and_a_line_in_the_table(kind: str) -> None:
    offered = set(discover_actions(kind, _load(kind, "../testdata/progressing_not_yet_seen.yaml")))
    scripts = {path.parent.name for path in (folder_of(kind) / "actions").glob("*/action.lua")}
    tested = {case["action"] for of, case in cases("actions/action_test.yaml", "actionTests") if of == kind}
    assert offered == scripts == tested


def test_a_retry_from_either_kind_is_the_same_rollout_so_that_two_clicks_make_one() -> None:
    rejected = _load("Rollout", "../testdata/degraded_rejected.yaml")
    owner = _load("ModelDeployment", "../testdata/degraded_rejected.yaml")
    assert run_action("Rollout", "retry", rejected) == run_action("ModelDeployment", "retry", owner)


@pytest.mark.parametrize(
    ("approvals", "verdict", "gate"),
    [
        ([], "Analyzing", "BeforeTraffic"),
        (["BeforeTraffic"], "Analyzing", "Step2"),
        (["BeforeTraffic"], "Promote", "BeforePromotion"),
        (["BeforeTraffic", "Step2"], "Inconclusive", "BeforePromotion"),
    ],
)
def test_approve_opens_the_gate_that_is_waited_at_and_no_other(approvals: list[str], verdict: str, gate: str) -> None:
    waiting = _load("Rollout", "../testdata/suspended_awaiting_approval.yaml")
    waiting["spec"]["approvals"] = list(approvals)
    waiting["status"]["verdict"] = {"state": verdict}
    plan = waiting["status"]["plan"]
    plan["approval"] = ["BeforeTraffic", "BeforePromotion"]
    plan["steps"] = [{"weight": 5, "approval": False}, {"weight": 25, "approval": True}]

    [operation] = run_action("Rollout", "approve", waiting)

    assert operation["resource"]["spec"]["approvals"] == [*approvals, gate]
