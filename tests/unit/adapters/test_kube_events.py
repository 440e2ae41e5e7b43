"""The Kubernetes Events that a person reads."""

from collections.abc import Mapping
from typing import Any

import pytest
from serin.adapters.kube_events import LONGEST_MESSAGE, KubeEvents, make_event
from serin.core.plan import Emit
from serin.runtime.outcomes import AlreadyExists, ClusterError, Forbidden
from serin_testkit.clock import FakeClock

ROLLOUT = {
    "apiVersion": "serin.dev/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "weather-3", "namespace": "ml", "uid": "7", "resourceVersion": "41"},
}


def emit(message: str = "Worse than stable.") -> Emit:
    return Emit("Rollout", "weather-3", "Warning", "Rejected", message)


def name_of(event: Mapping[str, Any]) -> str:
    name: str = event["metadata"]["name"]
    return name


def test_an_event_is_about_its_object_in_the_objects_namespace() -> None:
    event = make_event(emit(), ROLLOUT, "2026-01-01T00:00:00Z")
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Rejected", "Worse than stable.")
    assert event["involvedObject"]["uid"] == "7"
    assert event["metadata"]["namespace"] == "ml"


def test_the_same_words_about_the_same_object_have_the_same_name() -> None:
    first, again = (make_event(emit(), ROLLOUT, f"2026-01-01T00:00:0{second}Z") for second in (1, 2))
    assert name_of(first) == name_of(again)
    assert name_of(first) != name_of(make_event(emit("Better."), ROLLOUT, "2026-01-01T00:00:01Z"))


def test_a_long_message_is_cut_to_what_the_api_server_takes() -> None:
    message = make_event(emit("x" * 5000), ROLLOUT, "now")["message"]
    assert len(message) == LONGEST_MESSAGE
    assert message.endswith("…")


@pytest.mark.parametrize("error", [AlreadyExists("told before"), Forbidden("not allowed")])
async def test_an_event_that_cannot_be_posted_stops_nothing(error: ClusterError) -> None:
    class Refusing:
        async def create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
            raise error

    await KubeEvents(Refusing(), FakeClock()).emit(emit(), ROLLOUT)  # type: ignore[arg-type]
