"""The scripts under Argo CD's own engine, by its command `admin settings`, as tests/unit/argocd has them under a plain
Lua: what is different there shows here."""

import subprocess

import pytest
from unit.argocd.customizations import FOLDER, Json, cases, folder_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SETTINGS = FOLDER.parent / "argocd-cm.yaml"
HEALTH = [
    pytest.param(kind, case, id=f"{kind}/{case['inputPath']}") for kind, case in cases("health_test.yaml", "tests")
]


def _run(kind: str, path: str, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`argocd admin settings resource-overrides` with an object that lies in a file."""
    obj = str(folder_of(kind) / path)
    admin = ["argocd", "admin", "settings", "resource-overrides", command, obj, *arguments]
    return subprocess.run(
        [*admin, f"--argocd-cm-path={SETTINGS}"], capture_output=True, text=True, timeout=60, check=False
    )


def _ask(kind: str, path: str, command: str, *arguments: str) -> str:
    """What it prints."""
    done = _run(kind, path, command, *arguments)
    assert done.returncode == 0, f"{command} {path}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("kind", "case"), HEALTH)
def test_argo_cd_finds_the_health_of_the_table(kind: str, case: Json) -> None:
    health = case["healthStatus"]
    assert _ask(kind, case["inputPath"], "health") == f"STATUS: {health['status']}\nMESSAGE: {health['message']}\n"


def _of_actions(section: str) -> list[object]:
    return [
        pytest.param(kind, case, id=f"{kind}/{case.get('action', '')}/{case['inputPath'].split('/')[-1]}")
        for kind, case in cases("actions/action_test.yaml", section)
    ]


@pytest.mark.parametrize(("kind", "case"), _of_actions("discoveryTests"))
def test_argo_cd_offers_the_actions_of_the_table(kind: str, case: Json) -> None:
    lines = _ask(kind, f"actions/{case['inputPath']}", "list-actions").splitlines()[1:]
    expected = {action["name"]: str(action["disabled"]).lower() for action in case["result"]}
    assert dict(line.split() for line in lines) == expected


@pytest.mark.parametrize(("kind", "case"), _of_actions("actionTests"))
def test_argo_cd_can_carry_out_the_actions_of_the_table(kind: str, case: Json) -> None:
    path = f"actions/{case['inputPath']}"
    if "expectedErrorMessage" in case:
        assert case["expectedErrorMessage"] in _run(kind, path, "run-action", case["action"]).stderr
        return
    said = _ask(kind, path, "run-action", case["action"])
    change = {"approve": "- Step1", "pause": "paused: true", "resume": "paused: false", "retry": "-retry"}
    assert change.get(case["action"], f"decision: {case['action'].capitalize()}") in said
