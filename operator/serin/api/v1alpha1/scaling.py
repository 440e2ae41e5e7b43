"""How many pods serve, and how many of them a drained node may take: docs/scaling.md."""

from typing import Annotated

from pydantic import Field

from serin.api.v1alpha1.shared import Opaque, OpaqueList, Rule, Schema


class Autoscaling(Schema):
    """Kubernetes' autoscaler chooses the number of pods and writes it into `replicas`: leave that out."""

    RULES = (
        Rule("self.minReplicas <= self.maxReplicas", "minReplicas must not be greater than maxReplicas"),
        Rule(
            "!has(self.targetCPUUtilization) || !has(self.metrics) || self.metrics.size() == 0",
            "targetCPUUtilization and metrics exclude each other: put the CPU into metrics, too",
        ),
    )
    min_replicas: Annotated[int, Field(ge=1, le=1000, description="Pods at least.")] = 1
    max_replicas: Annotated[int, Field(ge=1, le=1000, description="Pods at most.")]
    target_cpu_utilization: Annotated[
        int | None,
        Field(
            alias="targetCPUUtilization",
            ge=1,
            le=1000,
            description="Percent of the CPU that the server's container requests; 70 when neither this nor metrics is "
            "given.",
        ),
    ] = None
    metrics: Annotated[
        OpaqueList, Field(description="As in a HorizontalPodAutoscaler of autoscaling/v2, in place of the CPU.")
    ] = ()
    behavior: Annotated[Opaque, Field(description="As in a HorizontalPodAutoscaler of autoscaling/v2.")] = {}


class DisruptionBudget(Schema):
    """What a drained node may take from the pods that serve."""

    RULES = (
        Rule(
            "type(self.maxUnavailable) == int ? int(self.maxUnavailable) >= 1 && int(self.maxUnavailable) <= 1000"
            " : string(self.maxUnavailable).matches('^([1-9][0-9]?|100)%$')",
            "maxUnavailable must be a number of pods (1 to 1000) or a share of them such as 25%: with none at all no"
            " node could be drained",
        ),
    )
    max_unavailable: Annotated[
        int | str,
        Field(
            description="Pods that may be evicted at a time, or a share of them, rounded up. No budget is made where "
            "that is all of them: of a single pod, or with 100%.",
        ),
    ] = 1
