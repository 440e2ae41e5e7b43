"""What Argo CD says of an object: the table health_test.yaml beside each script, in the form of Argo CD's own tests."""

import pytest
from unit.argocd.customizations import KINDS, Json, cases, folder_of, load, run_health

CASES = [
    pytest.param(kind, case, id=f"{kind}/{case['inputPath']}") for kind, case in cases("health_test.yaml", "tests")
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_an_object_from_a_cluster_has_the_health_and_the_sentence_of_the_table(kind: str, case: Json) -> None:
    assert run_health(kind, load(folder_of(kind) / case["inputPath"])) == case["healthStatus"]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_status_that_tells_of_an_older_spec_is_not_believed(kind: str, case: Json) -> None:
    obj = load(folder_of(kind) / case["inputPath"])
    obj["metadata"]["generation"] += 1
    assert run_health(kind, obj)["status"] == "Progressing"


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_without_a_status_is_waited_for(kind: str) -> None:
    obj = load(folder_of(kind) / "testdata" / "progressing_not_yet_seen.yaml")
    del obj["status"]
    assert run_health(kind, obj)["status"] == "Progressing"


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_holds_every_object_that_is_there_and_every_health(kind: str) -> None:
    listed = [case["inputPath"] for of, case in cases("health_test.yaml", "tests") if of == kind]
    assert sorted(listed) == sorted(f"testdata/{path.name}" for path in (folder_of(kind) / "testdata").iterdir())
    shown = {case["healthStatus"]["status"] for of, case in cases("health_test.yaml", "tests") if of == kind}
    assert shown == {"Healthy", "Progressing", "Suspended", "Degraded"}
