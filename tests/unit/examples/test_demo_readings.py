"""What the demo reads from the cluster's objects, what it concludes, and how it shows that."""

import io
from types import ModuleType
from typing import Any

import pytest
from unit.examples.demo_cluster import Json, a_model_deployment, a_pod, a_rollout, two_pods


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def objects_of(demo: ModuleType, *items: Json) -> Any:
    return demo.cluster_objects.parse_objects({"items": items}, "weather")


def a_result(demo: ModuleType, **changes: Any) -> Any:
    """A promotion that went right."""
    pods = frozenset(objects_of(demo, *two_pods("2")).pods)
    users = demo.user_requests.UserRequests(100, 0, "one")
    right = {"version": "2", "phase": "Promoted", "sentence": "", "took_seconds": 1.0, "during": users}
    return demo.results.Result(**{**right, "afterwards": users, "judged": pods, "serving": pods, **changes})


def test_an_object_without_a_status_reads_as_nothing_yet(demo: ModuleType) -> None:
    deployment, rollout = a_model_deployment("1", "1"), a_rollout(2, "Analyzing")
    del deployment["status"], rollout["status"]

    objects = objects_of(demo, deployment, rollout)

    assert not objects.deployment.is_current
    assert not objects.deployment.is_ready
    assert objects.attempts[0].phase == "Pending"
    assert objects.attempts[0].variant("canary").requests is None


def test_objects_of_other_models_are_left_out(demo: ModuleType) -> None:
    deployment, rollout, pod = a_model_deployment("1", "1"), a_rollout(2, "Analyzing"), a_pod("load", "1")
    deployment["metadata"]["name"] = rollout["spec"]["modelDeployment"] = "other"
    pod["metadata"]["labels"] = {}

    assert objects_of(demo, deployment, rollout, pod) == demo.cluster_objects.Objects(None, (), ())


def test_a_message_cannot_steer_the_terminal(demo: ModuleType) -> None:
    objects = objects_of(demo, a_rollout(2, "Failed", message="exit code 1:\x1b[2J\ngone"))

    assert objects.attempts[0].message == "exit code 1: [2J gone"


def test_attempts_are_ordered_by_number_not_by_name(demo: ModuleType) -> None:
    objects = objects_of(demo, a_rollout(10, "Analyzing"), a_rollout(9, "Promoted"))

    assert objects.newest_attempt(after=0).name == "weather-10"
    assert objects.newest_attempt(after=10) is None
    assert objects.last_number == 10


def test_a_cut_last_line_of_the_log_is_passed_over(demo: ModuleType) -> None:
    whole = '{"run": "one", "requests": 200, "failed": 1, "p99_ms": 4.5}'

    assert demo.user_requests.parse_user_requests([whole, whole[:20]]).requests == 200


def test_between_two_runs_of_the_generator_nothing_is_known(demo: ModuleType) -> None:
    users = demo.user_requests.UserRequests

    assert users(500, 3, "two").since(users(100, 1, "one")) == users()
    assert users(500, 3, "one").since(users(100, 1, "one")) == users(400, 2, "one")


@pytest.mark.parametrize("lines", [[], ['{"waiting": true, "last": 503}'], ["Traceback"]])
def test_a_generator_that_waits_for_its_first_success_has_no_counts(demo: ModuleType, lines: list[str]) -> None:
    assert demo.user_requests.parse_user_requests(lines) is None


def test_the_first_version_is_awaited_until_the_status_speaks_of_this_spec(demo: ModuleType) -> None:
    stale = objects_of(demo, a_model_deployment("1", "1", observedGeneration=3))

    assert demo.progress.decide_first_version(stale, "1").state == "Waiting"
    assert demo.progress.decide_first_version(objects_of(demo, a_model_deployment("1", "1")), "1").state == "Done"


def test_a_stalled_first_version_ends_the_wait_with_the_operators_sentence(demo: ModuleType) -> None:
    conditions = [{"type": "Stalled", "status": "True"}]
    stalled = objects_of(demo, a_model_deployment("1", "1", conditions=conditions, message="No such ConfigMap."))

    progress = demo.progress.decide_first_version(stalled, "1")

    assert (progress.state, progress.reason) == ("Failed", "No such ConfigMap.")


@pytest.mark.parametrize(
    ("items", "state"),
    [
        pytest.param([a_rollout(1, "Promoted")], "Waiting", id="no attempt yet"),
        pytest.param([a_rollout(2, "Analyzing")], "Waiting", id="under way"),
        pytest.param([a_rollout(2, "Failed")], "Failed", id="ended otherwise"),
        pytest.param([a_rollout(2, "Analyzing", verdict={"state": "Inconclusive"})], "Failed", id="no verdict"),
        pytest.param([a_rollout(2, "Promoted"), *two_pods("2")], "Done", id="promoted, two stable pods"),
        pytest.param([a_rollout(2, "Promoted"), a_pod("one", "2")], "Waiting", id="promoted, one of two pods"),
        pytest.param(
            [a_rollout(2, "Promoted"), *two_pods("2"), a_pod("old", "1")], "Waiting", id="an old pod still serves"
        ),
        pytest.param(
            [a_rollout(2, "Promoted"), *two_pods("2"), a_pod("old", "1", leaving=True)], "Done", id="it is leaving"
        ),
        pytest.param(
            [a_rollout(2, "Promoted"), *two_pods("2"), a_pod("copy", "2", track="baseline")],
            "Waiting",
            id="a baseline pod still serves",
        ),
    ],
)
def test_a_promotion_is_over_when_only_the_promoted_pods_serve(demo: ModuleType, items: list[Json], state: str) -> None:
    objects = objects_of(demo, a_model_deployment("2", "2"), *items)

    assert demo.progress.decide_rollout(objects, after=1, wanted="Promoted").state == state


def test_a_rejection_is_over_when_the_canary_has_left_though_the_model_deployment_is_not_ready(
    demo: ModuleType,
) -> None:
    items = [a_model_deployment("3", "2", ready=False), a_rollout(3, "Rejected", "2", "3"), *two_pods("2")]

    def state(*pods: Json) -> Any:
        return demo.progress.decide_rollout(objects_of(demo, *items, *pods), after=2, wanted="Rejected").state

    assert state(a_pod("canary", "3")) == "Waiting"
    assert state() == "Done"


def test_pods_are_on_trial_only_while_analyzing(demo: ModuleType) -> None:
    pods = [a_pod("canary", "2"), a_pod("stable", "1")]

    def judged(phase: str) -> set[str]:
        return {pod.uid for pod in demo.progress.judged_pods(objects_of(demo, a_rollout(2, phase), *pods), after=1)}

    assert judged("Analyzing") == {"canary"}
    assert judged("Preparing") == judged("Promoted") == set()


def test_a_promotion_without_loss_has_no_faults(demo: ModuleType) -> None:
    assert demo.results.find_faults(a_result(demo)) == []


def test_a_judged_pod_that_is_gone_or_was_restarted_is_a_fault(demo: ModuleType) -> None:
    serving = frozenset(objects_of(demo, a_pod("pod-2-1", "2", restarts=1)).pods)

    faults = demo.results.find_faults(a_result(demo, serving=serving))

    assert sorted(faults) == [
        "pod pod-2-1 restarted its container in the promotion",
        "pod pod-2-2 was judged and does not serve: promotion replaced it",
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"judged": frozenset()}, "promoted without an analysis"),
        ({"during": (100, 1)}, "1 user requests failed while a good version was promoted"),
        ({"afterwards": (100, 2)}, "2 user requests failed after the rollout was over"),
        ({"afterwards": (0, 0)}, "the load generator was restarted or stood still"),
        ({"phase": "Rejected"}, "rejected without evidence from traffic"),
    ],
)
def test_each_way_to_go_wrong_is_named(demo: ModuleType, changes: dict[str, Any], fault: str) -> None:
    users = {
        name: demo.user_requests.UserRequests(*value) for name, value in changes.items() if isinstance(value, tuple)
    }

    (found,) = demo.results.find_faults(a_result(demo, **{**changes, **users}))

    assert fault in found


def test_the_picture_shows_who_got_what_and_how_far_the_evidence_is(demo: ModuleType) -> None:
    objects = objects_of(demo, a_rollout(2, "Analyzing"))
    users = demo.user_requests.UserRequests(8412, 3, "one", 6.2)

    frame = demo.frame.render_frame("Version 2", 62.0, objects, users, "A sentence.", after=1)

    assert frame == [
        "Version 2 · Analyzing · 1 min 02 s",
        "",
        "            version    pods   share  requests  failed",
        "  stable    1           2/2    50 %",
        "  baseline  1           1/1    25 %     1,204       2",
        "  canary    2           1/1    25 %     1,198       3",
        "",
        "  good      ████████████░░░░░░░░   60%   about 1m10s to go",
        "  bad       ░░░░░░░░░░░░░░░░░░░░    0%",
        "  users     8,412 requests, 3 failed (0.04 %), p99 6.2 ms",
        "  A sentence.",
    ]


def test_a_rollout_of_which_nothing_is_known_yet_has_no_table(demo: ModuleType) -> None:
    rollout = a_rollout(2, "Pending")
    del rollout["status"]

    frame = demo.frame.render_frame("Version 2", 1.0, objects_of(demo, rollout), None, "A sentence.", after=1)

    assert frame == ["Version 2 · Pending · 1 s", "  users     no request answered yet", "  A sentence."]


@pytest.mark.parametrize(("percent", "filled"), [("0%", 0), ("100%", 20), ("250 %", 20), ("", 0), ("n/a", 0)])
def test_a_bar_bears_any_text(demo: ModuleType, percent: str, filled: int) -> None:
    assert demo.frame.render_bar(percent).count("█") == filled


def test_a_terminal_is_redrawn_in_place(demo: ModuleType) -> None:
    out = Terminal()
    screen = demo.screen.Screen(out)
    screen.draw(["one", "two"], "", now=0.0)
    screen.draw(["three"], "", now=1.0)

    assert out.getvalue() == "\r\x1b[0Jone\ntwo\n\x1b[2A\r\x1b[0Jthree\n"


def test_a_picture_stays_when_the_next_stage_starts(demo: ModuleType) -> None:
    out = Terminal()
    screen = demo.screen.Screen(out)
    screen.draw(["one"], "", now=0.0)
    screen.start()
    screen.draw(["two"], "", now=1.0)

    assert out.getvalue() == "\r\x1b[0Jone\n\n\r\x1b[0Jtwo\n"


def test_elsewhere_a_line_is_printed_now_and_then(demo: ModuleType) -> None:
    out = io.StringIO()
    screen = demo.screen.Screen(out)
    for second in range(21):
        screen.draw(["a picture"], f"line {second}", now=float(second))

    assert out.getvalue() == "line 0\nline 10\nline 20\n"
