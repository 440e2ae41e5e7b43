"""Which revision a spec asks for: equal by value, named by hash, rendered once."""

from dataclasses import replace
from typing import Any

import pytest
from serin.api.v1alpha1.model_deployment import RevisionContent
from serin.core.model_deployment.revisions import find_or_make_revision, hash_content
from unit.core.paper_cluster import SERVER_IMAGE, PaperCluster


def content(**parts: Any) -> RevisionContent:
    return RevisionContent.model_validate({"model": {"uri": "oci://models/weather:1"}, **parts})


def test_a_default_written_out_is_the_same_revision_as_one_left_out() -> None:
    made = find_or_make_revision("weather", content(), [], SERVER_IMAGE)
    spelled_out = content(server={"ports": {"http": 8080}, "health": {"startupDeadline": "10m"}})

    assert find_or_make_revision("weather", spelled_out, [made], SERVER_IMAGE) is made


def test_a_revision_is_known_by_its_content_whatever_it_was_called_in_its_day() -> None:
    made = replace(find_or_make_revision("weather", content(), [], SERVER_IMAGE), name="weather-of-last-year")

    assert find_or_make_revision("weather", content(), [made], SERVER_IMAGE) is made


@pytest.mark.parametrize(
    "changed",
    [
        content(model={"uri": "oci://models/weather:2"}),
        content(model={"uri": "oci://models/weather:1", "version": "1"}),
        content(server={"image": "other:1"}),
        content(server={"resources": {"limits": {"memory": "1Gi"}}}),
        content(pod={"labels": {"team": "rain"}}),
    ],
)
def test_whatever_makes_other_pods_is_another_revision(changed: RevisionContent) -> None:
    made = find_or_make_revision("weather", content(), [], SERVER_IMAGE)
    other = find_or_make_revision("weather", changed, [made], SERVER_IMAGE)

    assert other.name != made.name
    assert other.number == made.number + 1


def test_the_name_is_the_hash_of_the_whole_content_whatever_its_order() -> None:
    one = content(server={"image": "a", "args": ["x"]})
    same = content(server={"args": ["x"], "image": "a"})

    assert hash_content(one) == hash_content(same)
    assert find_or_make_revision("weather", one, [], SERVER_IMAGE).name == f"weather-{hash_content(one)}"
    assert len(hash_content(one)) == 8


def test_a_new_server_image_of_the_operator_touches_no_known_revision() -> None:
    made = find_or_make_revision("weather", content(), [], "serin-server:old")
    again = find_or_make_revision("weather", content(), [made], "serin-server:new")

    assert again.template["spec"]["containers"][0]["image"] == "serin-server:old"


def test_an_upgraded_operator_with_another_server_image_starts_no_rollout() -> None:
    cluster = PaperCluster().serving("1")
    before = cluster.written()
    for live in cluster.all("ControllerRevision"):
        live["data"]["template"]["spec"]["containers"][0]["image"] = "serin-server:of-last-year"
    for live in cluster.all("Deployment"):
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "serin-server:of-last-year"

    cluster.settled()

    assert cluster.written() == before.replace(SERVER_IMAGE, "serin-server:of-last-year")


def test_a_default_of_another_day_that_the_api_server_wrote_into_the_spec_starts_no_rollout() -> None:
    defaults_of_that_day = {"health": {"ready": "/ready-of-last-year"}}
    cluster = PaperCluster().wanting("1", server=defaults_of_that_day).settled()

    stored = cluster.all("ControllerRevision")[0]["data"]["content"]

    assert stored["server"]["health"]["ready"] == "/ready-of-last-year"
    assert stored["server"]["ports"]["http"] == 8080, "today's defaults are kept too, for the day when they change"


def test_a_stored_revision_is_never_written_again() -> None:
    cluster = PaperCluster().serving("1")
    # A newer operator knows a field that this revision was stored without.
    del cluster.all("ControllerRevision")[0]["data"]["content"]["server"]["metrics"]
    before = cluster.written()

    assert cluster.settled().written() == before


def test_going_back_to_an_old_version_uses_its_old_revision_and_deployment() -> None:
    cluster = PaperCluster().serving("1")
    first = cluster.model_deployment.stable
    cluster.wanting("2").until("Analyzing").deciding("Promote").settled()
    cluster.wanting("1").until("Analyzing").deciding("Promote").settled()

    assert cluster.model_deployment.stable is not None
    assert first is not None
    assert cluster.model_deployment.stable.revision == first.revision
    assert len(cluster.all("ControllerRevision")) == len(cluster.all("Deployment")) == 2
