"""The comparer of a shadow: one pod that gets copies of requests, asks both versions, and counts what they answer.

It runs the operator's server image whatever serves the model, and has no identity and no rights. It reaches both
versions by the headless Services of the attempt. What it does: server/serin_comparer.
"""

from typing import Any, Final

from serin.api.v1alpha1.plan import Shadow
from serin.core.facts import RevisionFacts
from serin.core.model_deployment.names import service_name
from serin.core.model_deployment.pod_template import make_scrape_annotations, version_of
from serin.core.rollout.attempt import Attempt

COMPARER_PORT: Final = 8080
GRACE_PERIOD_SECONDS: Final = 20
_RESOURCES: Final = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
_PLACEMENT: Final = ("imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName")


def make_comparer_template(attempt: Attempt) -> dict[str, Any]:
    """Its pod template without labels. Placed where the new version may be, with the same secrets for images."""
    facts = attempt.facts
    canary = facts.revision(attempt.revision) or attempt.desired
    stable = facts.revision(attempt.stable.revision) if attempt.stable else None
    pod = canary.content.pod.to_written()
    ready = {"httpGet": {"path": "/ready", "port": "http"}, "timeoutSeconds": 5}
    container = {
        "name": "comparer",
        "image": facts.default_server_image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "serin_comparer"],
        "args": _arguments(attempt, canary, stable or canary),
        "ports": [{"name": "http", "containerPort": COMPARER_PORT, "protocol": "TCP"}],
        "resources": _RESOURCES,
        "readinessProbe": {**ready, "periodSeconds": 2, "failureThreshold": 3},
        "livenessProbe": {**ready, "periodSeconds": 10, "failureThreshold": 6},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "metadata": {"annotations": make_scrape_annotations(COMPARER_PORT)},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": GRACE_PERIOD_SECONDS,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            **{name: pod[name] for name in _PLACEMENT if name in pod},
        },
    }


def _arguments(attempt: Attempt, canary: RevisionFacts, stable: RevisionFacts) -> list[str]:
    name = attempt.facts.model_deployment.key.name
    compare = (attempt.plan.shadow or Shadow()).compare
    return [
        f"--port={COMPARER_PORT}",
        f"--baseline={service_name(name, 'baseline')}:{stable.content.server.ports.http}",
        f"--baseline-version={version_of(stable.content, stable.name)}",
        f"--canary={service_name(name, 'canary')}:{canary.content.server.ports.http}",
        f"--canary-version={version_of(canary.content, canary.name)}",
        f"--tolerance={compare.tolerance:g}",
        *(f"--ignore={name}" for name in compare.ignore),
    ]
