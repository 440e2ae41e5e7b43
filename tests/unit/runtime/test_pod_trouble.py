"""Why a pod does not get ready, in one clause: the container's last words before Kubernetes' reasons."""

from typing import Any

import pytest
from serin.runtime.pod_trouble import MESSAGE_LIMIT, find_crash, find_trouble


def pod(*containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": "server", **container} for container in containers], **status}}


def waiting(reason: str, message: str | None = None) -> dict[str, Any]:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def ended(exit_code: int, reason: str | None = "Error", message: str | None = None) -> dict[str, Any]:
    told = {"exitCode": exit_code, "reason": reason, "message": message}
    return {"terminated": {name: value for name, value in told.items() if value is not None}}


def test_nothing_is_wrong_with_a_pod_that_nobody_has_looked_at() -> None:
    assert find_trouble({"metadata": {}}) is None
    assert find_trouble(pod()) is None


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_pod_on_its_way_up_is_in_no_trouble(reason: str) -> None:
    assert find_trouble(pod({"state": waiting(reason)})) is None


def test_a_missing_image_is_told_with_the_registrys_words() -> None:
    told = find_trouble(pod({"state": waiting("ErrImagePull", 'rpc error: "registry.test/w:2": not found.')}))

    assert told == 'ErrImagePull: rpc error: "registry.test/w:2": not found'


def test_a_crash_loop_is_told_with_the_last_line_of_what_the_container_said() -> None:
    digest = "Starting.\nThe model's digest is sha256:11, expected sha256:22.\n"
    container = {
        "ready": False,
        "state": waiting("CrashLoopBackOff", "back-off 40s restarting failed container"),
        "lastState": ended(1, message=digest),
    }

    assert find_trouble(pod(container)) == (
        "CrashLoopBackOff, Error (exit code 1): The model's digest is sha256:11, expected sha256:22"
    )


def test_a_container_without_memory_needs_no_exit_code() -> None:
    told = find_trouble(
        pod({"ready": False, "state": waiting("CrashLoopBackOff"), "lastState": ended(137, "OOMKilled")})
    )

    assert told == "CrashLoopBackOff, OOMKilled"


def test_a_container_that_has_just_ended_tells_before_it_is_started_again() -> None:
    assert find_trouble(pod({"ready": False, "state": ended(2)})) == "Error (exit code 2)"


def test_a_container_that_runs_again_and_is_not_ready_yet_still_tells_of_its_end() -> None:
    container = {"ready": False, "state": {"running": {}}, "lastState": ended(137, "OOMKilled")}

    assert find_trouble(pod(container)) == "OOMKilled"


def test_a_container_that_recovered_is_in_no_trouble() -> None:
    container = {"ready": True, "state": {"running": {}}, "lastState": ended(137, "OOMKilled")}

    assert find_trouble(pod(container)) is None


def test_a_container_that_ended_well_and_is_held_back_tells_kubernetes_words() -> None:
    container = {"state": waiting("CrashLoopBackOff", "back-off"), "lastState": ended(0, "Completed")}

    assert find_trouble(pod(container)) == "CrashLoopBackOff: back-off"


def test_an_init_container_comes_first() -> None:
    told = find_trouble(
        pod({"state": waiting("ImagePullBackOff")}, initContainerStatuses=[{"state": waiting("ErrImagePull")}])
    )

    assert told == "ErrImagePull"


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"reason": "Unschedulable", "message": "0/3 nodes are available."}, "Unschedulable: 0/3 nodes are available"),
        ({"reason": "SchedulingGated"}, "SchedulingGated"),
        ({}, "Unschedulable"),
    ],
)
def test_a_pod_without_a_node_tells_the_schedulers_words(condition: dict[str, str], told: str) -> None:
    assert find_trouble(pod(conditions=[{"type": "PodScheduled", "status": "False", **condition}])) == told


def test_an_evicted_pod_tells_its_nodes_words() -> None:
    assert find_trouble(pod(phase="Failed", reason="Evicted", message="The node was low on memory.")) == (
        "Evicted: The node was low on memory"
    )
    assert find_trouble(pod(phase="Failed")) == "Failed"


@pytest.mark.parametrize(
    ("container", "crash"),
    [
        ({"state": waiting("CrashLoopBackOff"), "lastState": ended(1)}, "CrashLoopBackOff"),
        ({"state": waiting("CrashLoopBackOff"), "lastState": ended(137, "OOMKilled")}, "OOMKilled"),
        ({"state": ended(137, "OOMKilled")}, "OOMKilled"),
        ({"ready": True, "state": {"running": {}}, "lastState": ended(137, "OOMKilled")}, "OOMKilled"),
        ({"ready": True, "state": {"running": {}}, "lastState": ended(1)}, None),
        ({"state": waiting("ErrImagePull")}, None),
    ],
)
def test_a_crash_is_a_loop_or_a_lack_of_memory_even_if_it_is_over(container: dict[str, Any], crash: str | None) -> None:
    assert find_crash(pod({"ready": True}, container)) == crash
    assert find_crash({"metadata": {}}) is None


def test_a_long_message_is_cut_visibly_and_put_on_one_line() -> None:
    told = find_trouble(pod({"state": waiting("ErrImagePull", "first\n\tsecond " + "x" * 1000)}))

    assert told is not None
    assert told.startswith("ErrImagePull: first second xxx")
    assert told.endswith("…")
    assert len(told) == len("ErrImagePull: ") + MESSAGE_LIMIT
