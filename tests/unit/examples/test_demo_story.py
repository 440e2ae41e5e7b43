"""The whole demo, told against a scripted cluster: exit code 0 only when both rollouts went right for users."""

import io
from types import ModuleType

from unit.examples.demo_cluster import FakeCluster, a_pod


def tell(demo: ModuleType, cluster: FakeCluster) -> tuple[int, str]:
    """Exit code and output."""
    out = io.StringIO()
    screen = demo.screen.Screen(out)
    story = demo.story.Story(cluster, screen, cluster.clock, demo.story.Settings("an/image:1", 50.0))
    return demo.story.tell_and_judge(story, screen), out.getvalue()


def test_a_good_version_promoted_and_a_broken_one_rejected_is_success(demo: ModuleType) -> None:
    code, output = tell(demo, FakeCluster())

    assert code == 0
    assert "Version 2: Promoted after 45 s\n  Promoted: a sentence." in output
    assert "1 of 1 judged pods serve on under the same UID" in output
    assert "Version 3: Rejected after 45 s\n  Rejected: a sentence." in output
    assert output.endswith("Both rollouts went right.\n")


def test_user_requests_that_fail_while_a_good_version_is_promoted_are_a_fault(demo: ModuleType) -> None:
    code, output = tell(demo, FakeCluster(failing_versions=frozenset({"2", "3"})))

    assert code == 1
    assert "WRONG: 40 user requests failed while a good version was promoted, expected none" in output


def test_a_broken_version_that_met_no_user_was_not_judged_by_traffic(demo: ModuleType) -> None:
    code, output = tell(demo, FakeCluster(failing_versions=frozenset()))

    assert code == 1
    assert "WRONG: no user request met the broken version" in output


def test_counts_of_a_load_generator_that_was_restarted_prove_nothing(demo: ModuleType) -> None:
    code, output = tell(demo, FakeCluster(restarts_load=True))

    assert code == 1
    assert "WRONG: the load generator was restarted or stood still" in output


def test_a_good_version_that_is_rejected_stops_the_demo_with_its_sentence_and_advice(demo: ModuleType) -> None:
    code, output = tell(demo, FakeCluster(outcomes={"2": "Rejected"}))

    assert code == 1
    assert "weather-2 is Rejected, expected Promoted: Rejected: a sentence." in output
    assert "kubectl -n demo get md,mro -o wide" in output


def test_a_rollout_that_never_ends_stops_the_demo_at_its_deadline(demo: ModuleType) -> None:
    code, output = tell(demo, FakeCluster(outcomes={}))

    assert code == 1
    assert "Version 2: not done within 900 s. Analyzing: a sentence." in output


def test_the_demo_waits_until_the_last_run_has_left(demo: ModuleType) -> None:
    cluster = FakeCluster(leftovers=[a_pod("old", "1", leaving=True)])

    code, output = tell(demo, cluster)

    assert code == 0
    assert "objects of the last run on their way out: 1" in output
    deletions = [call for call in cluster.calls if call.startswith("delete")]
    assert deletions == [
        "delete deployment serin-load --ignore-not-found --cascade=foreground",
        "delete modeldeployments.serin.dev,rollouts.serin.dev --all",
    ]


def test_the_load_generator_gets_the_image_and_the_rate_of_this_run(demo: ModuleType) -> None:
    cluster = FakeCluster()

    tell(demo, cluster)

    applied = {item["kind"]: item for item in cluster.applied}
    container = applied["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "an/image:1"
    assert container["args"] == ["--url", "http://weather", "--rate", "50"]
    assert "def make_rows" in applied["ConfigMap"]["data"]["load.py"]
