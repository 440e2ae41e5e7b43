"""What a user wrote, as a pod template. The golden files are the specification."""

from typing import Any

import pytest
from serin.api.v1alpha1.model_deployment import RevisionContent
from serin.core.model_deployment.pod_template import label_template, make_pod_template
from unit.core.golden_files import assert_golden
from unit.core.paper_cluster import SERVER_IMAGE

DIGEST = "sha256:" + "0" * 64

CONTENTS: dict[str, dict[str, Any]] = {
    "image_volume": {"model": {"uri": "oci://registry.test/weather:1", "version": "1", "digest": DIGEST}},
    "image_volume_with_path": {"model": {"uri": "oci://registry.test/weather:1#/onnx/rain.onnx"}},
    "configmap": {"model": {"uri": "configmap://weather-v1/rain.onnx", "name": "rain"}},
    "claim": {"model": {"uri": "pvc://models/weather/1.onnx"}},
    "https": {"model": {"uri": "https://models.test/weather-1.onnx"}},
    "file_in_own_image": {
        "model": {"uri": "file:///opt/rain.onnx"},
        "server": {
            "image": "registry.test/own-server:3",
            "command": ["/bin/server"],
            "args": ["--fast"],
            "env": [{"name": "THREADS", "value": "2"}],
            "resources": {"limits": {"memory": "1Gi"}},
            "ports": {"http": 9001, "grpc": 9002},
            "health": {"ready": "/ready", "live": "/live", "startupDeadline": "90s"},
            "metrics": {"path": "/stats"},
        },
    },
    "pod_settings": {
        "model": {"uri": "https://models.test/weather-1.onnx"},
        "pod": {
            "labels": {"team": "rain", "serin.dev/track": "mine"},
            "annotations": {"prometheus.io/port": "9999"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "serviceAccountName": "weather",
            "volumes": [{"name": "cache", "emptyDir": {}}],
            "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
        },
    },
}


def template_of(name: str) -> dict[str, Any]:
    return make_pod_template(
        "weather", "weather-0a1b2c3d", RevisionContent.model_validate(CONTENTS[name]), SERVER_IMAGE
    )


@pytest.mark.parametrize("name", CONTENTS)
def test_the_template_is_the_golden_one(name: str) -> None:
    assert_golden(f"pod_template_{name}", template_of(name))


@pytest.mark.parametrize("name", CONTENTS)
def test_every_pod_meets_the_restricted_pod_security_standard(name: str) -> None:
    spec = template_of(name)["spec"]

    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in spec["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not any("hostPath" in volume for volume in spec["volumes"])


def test_serins_labels_win_over_the_users_because_services_rest_on_them() -> None:
    labels = label_template(template_of("pod_settings"), {"serin.dev/track": "primary"})["metadata"]["labels"]

    assert labels == {"team": "rain", "serin.dev/track": "primary"}


@pytest.mark.parametrize(
    ("metrics", "port"),
    [({"preset": "Router"}, None), ({"preset": "Router", "port": 9000}, "9000"), ({"preset": "Triton"}, "8002")],
)
def test_prometheus_is_sent_to_pods_that_have_something_to_tell(metrics: dict[str, Any], port: str | None) -> None:
    content = RevisionContent.model_validate({"model": {"uri": "file:///m.onnx"}, "server": {"metrics": metrics}})
    annotations = make_pod_template("weather", "weather-1", content, SERVER_IMAGE)["metadata"]["annotations"]

    assert annotations.get("prometheus.io/port") == port
    assert annotations.get("prometheus.io/scrape") == ("true" if port else None)


def test_a_startup_deadline_shorter_than_a_probe_still_probes_once() -> None:
    content = RevisionContent.model_validate(
        {"model": {"uri": "file:///m.onnx"}, "server": {"health": {"startupDeadline": "1s"}}}
    )
    container = make_pod_template("weather", "weather-1", content, SERVER_IMAGE)["spec"]["containers"][0]

    assert container["startupProbe"]["failureThreshold"] == 1
