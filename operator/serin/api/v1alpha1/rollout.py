"""The kind Rollout: one attempt to move a ModelDeployment to the revision that it desires.

The spec is written once. Afterwards people own `paused` and `decision`; the operator writes the status alone.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from serin.api.v1alpha1.plan import Plan
from serin.api.v1alpha1.shared import Condition, Opaque, Rule, Schema

KIND = "Rollout"
PLURAL = "rollouts"

Phase = Literal[
    "Pending", "Preparing", "Analyzing", "Promoting", "Promoted", "Rejected", "Aborted", "Superseded", "Failed"
]
Decision = Literal["Promote", "Reject", "Abort"]
VerdictState = Literal["Analyzing", "Promote", "Reject", "Inconclusive", "NoData", "ProviderError"]


class RolloutSpec(Schema):
    """What is asked for."""

    RULES = (
        Rule("self.modelDeployment == oldSelf.modelDeployment", "modelDeployment cannot be changed"),
        Rule(
            "has(self.revision) == has(oldSelf.revision) && (!has(self.revision) || self.revision == oldSelf.revision)",
            "revision cannot be changed: a new attempt is a new Rollout",
        ),
        Rule(
            "has(self.plan) == has(oldSelf.plan) && (!has(self.plan) || self.plan == oldSelf.plan)",
            "plan cannot be changed in the middle of a comparison: a new attempt is a new Rollout",
        ),
        Rule(
            "!has(oldSelf.decision) || (has(self.decision) && self.decision == oldSelf.decision)",
            "decision is taken once",
        ),
    )
    model_deployment: Annotated[str, Field(min_length=1, max_length=45)]
    revision: Annotated[
        str | None,
        Field(min_length=1, max_length=63, description="If given, the ModelDeployment must desire this revision."),
    ] = None
    plan: Annotated[Plan | None, Field(description="The ModelDeployment's plan when left out.")] = None
    paused: Annotated[bool, Field(description="Keeps the weights and stops the comparison.")] = False
    decision: Annotated[Decision | None, Field(description="Overrides the evidence.")] = None


class RevisionStatus(Schema):
    """A revision that takes part, and how many of its pods can answer."""

    revision: str
    version: str
    replicas: int = 0
    ready_replicas: int = 0


class Shares(Schema):
    """Percent of the requests per variant."""

    stable: float = 0
    baseline: float = 0
    canary: float = 0


class WeightsStatus(Schema):
    """The shares meant, the shares that the pods behind the Service amount to, and whether they agree."""

    nominal: Shares = Shares()
    effective: Shares = Shares()
    converged: bool = False


class VerdictStatus(Schema):
    """What the evidence says, as people read it; the numbers are in `metrics`."""

    state: VerdictState = "Analyzing"
    good: Annotated[str, Field(description="How far the evidence is towards promotion.")] = "0%"
    bad: Annotated[str, Field(description="How far the evidence is towards rejection.")] = "0%"
    eta: str | None = None


class CountsStatus(Schema):
    """Requests judged so far."""

    requests: int = 0
    failures: int = 0
    rate: Annotated[float | None, Field(description="Share of requests that did not fail.")] = None


class MetricStatus(Schema):
    """One metric's numbers, each next to the threshold it is held against."""

    name: str
    baseline: CountsStatus = CountsStatus()
    canary: CountsStatus = CountsStatus()
    evidence_good: float = 1
    promotes_at: float = 20
    evidence_bad: float = 1
    rejects_at: float = 100
    margin: float | None = None
    requests_needed: int | None = None


class StageStatus(Schema):
    """One phase of the attempt and when it was."""

    phase: Phase
    started: datetime
    finished: datetime | None = None


class DecidedBy(Schema):
    """Who ended the attempt."""

    how: Literal["Evidence", "Person", "Operator"]


class RolloutStatus(Schema):
    """The observed state, written only by the operator."""

    observed_generation: int = -1
    phase: Phase | None = None
    reason: str | None = None
    message: str | None = None
    stable: RevisionStatus | None = None
    canary: RevisionStatus | None = None
    baseline: RevisionStatus | None = None
    weights: WeightsStatus | None = None
    verdict: VerdictStatus | None = None
    metrics: Annotated[tuple[MetricStatus, ...], Field(max_length=16)] = ()
    stages: Annotated[tuple[StageStatus, ...], Field(max_length=32)] = ()
    plan: Annotated[Plan | None, Field(description="The plan in force, fixed when the attempt began.")] = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    decided_by: DecidedBy | None = None
    # Atomic: one entry in managedFields instead of one per number.
    engine: Annotated[
        Opaque,
        Field(
            description="The comparison's running numbers: a restart continues them.",
            json_schema_extra={"x-kubernetes-map-type": "atomic"},
        ),
    ] = {}
    conditions: tuple[Condition, ...] = ()


class Rollout(Schema):
    """One attempt to move a ModelDeployment to the revision that it desires."""

    api_version: str
    kind: str
    metadata: dict[str, Any]
    spec: RolloutSpec
    status: RolloutStatus = RolloutStatus()
