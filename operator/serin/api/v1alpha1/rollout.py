"""The kind Rollout: one attempt to move a ModelDeployment to the revision that it desires.

The spec is written once. Afterwards people own `paused`, `approvals` and `decision`; the operator writes the status
alone.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from serin.api.v1alpha1.plan import Plan
from serin.api.v1alpha1.shared import Conditions, Opaque, Rule, Schema

KIND = "Rollout"
PLURAL = "rollouts"

Phase = Literal[
    "Pending",
    "Preparing",
    "Preflight",
    "Analyzing",
    "AwaitingApproval",
    "Promoting",
    "Baking",
    "Promoted",
    "Rejected",
    "RolledBack",
    "Aborted",
    "Superseded",
    "Failed",
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
            "!has(oldSelf.decision) || (has(self.decision) &&"
            " (self.decision == oldSelf.decision || oldSelf.decision == 'Promote'))",
            "decision is taken once; only Promote can still be turned into Reject or Abort, until the bake is over",
        ),
        Rule(
            "!has(oldSelf.approvals) || (has(self.approvals) && oldSelf.approvals.all(gate, gate in self.approvals))",
            "approvals only grow: what was approved cannot be taken back, but spec.paused holds everything",
        ),
    )
    model_deployment: Annotated[
        str, Field(min_length=1, max_length=45, description="The ModelDeployment, in the same namespace.")
    ]
    revision: Annotated[
        str | None,
        Field(min_length=1, max_length=63, description="If given, the ModelDeployment must desire this revision."),
    ] = None
    plan: Annotated[Plan | None, Field(description="The ModelDeployment's plan when left out.")] = None
    paused: Annotated[bool, Field(description="Keeps the weights and stops the comparison.")] = False
    approvals: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(BeforeTraffic|BeforePromotion|Step([1-9]|10))$", max_length=32)], ...],
        Field(
            max_length=16,
            description="What may begin: BeforeTraffic, BeforePromotion, and steps of the plan, such as Step2.",
        ),
    ] = ()
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


class StepStatus(Schema):
    """How far the shares of the requests have come."""

    index: Annotated[int, Field(description="The step in force, from 1.")]
    of: Annotated[int, Field(description="Steps in all; those of a ramp as far as `size` pods can bear.")]
    since: Annotated[datetime, Field(description="When it began.")]


class VerdictStatus(Schema):
    """What the evidence says, as people read it; the numbers are in `metrics`."""

    state: VerdictState = "Analyzing"
    good: Annotated[str, Field(description="How far the evidence is towards promotion.")] = "0%"
    bad: Annotated[str, Field(description="How far the evidence is towards rejection.")] = "0%"
    proven: Annotated[
        str | None, Field(description="So much worse in percentage points is excluded by now, for every metric.")
    ] = None
    eta: Annotated[str | None, Field(description="Time until the verdict, at the present rate of requests.")] = None
    sentence: Annotated[str | None, Field(description="The last judgement in words.")] = None


class CountsStatus(Schema):
    """Requests judged so far."""

    requests: int = 0
    failures: int = 0
    rate: Annotated[float | None, Field(description="Share of requests that did not fail.")] = None


class DispersionStatus(Schema):
    """What the logarithms of the evidence are divided by, because failures come in bursts."""

    reject: Annotated[float, Field(description="For the evidence against the canary.")]
    promote: Annotated[float, Field(description="For the evidence for it.")]
    serial: Annotated[float, Field(description="For the comparison of pairs: dependence between intervals.")]
    source: Annotated[
        Literal["History", "Running", "Prior", "Fixed"],
        Field(description="Stable pods before, stable pods during the comparison, nothing seen yet, or the plan."),
    ]


class ClassStatus(Schema):
    """One class of predictions."""

    name: Annotated[str, Field(description="As the counter says it; all others: every class beyond the first seven.")]
    baseline: Annotated[float, Field(description="Share of the baseline's predictions.")]
    canary: Annotated[float, Field(description="Share of the canary's predictions.")]


class DriftStatus(Schema):
    """How far the canary's predictions lie from the baseline's. Only the total variation is judged."""

    total_variation: Annotated[float, Field(description="Share of the predictions that moved, by the counts.")] = 0
    limit: Annotated[float, Field(description="So large a share may move.")]
    action: Annotated[Literal["Warn", "Reject"], Field(description="What more than the limit means.")]
    psi: Annotated[float, Field(description="Population stability index.")] = 0
    jensen_shannon_bits: Annotated[float, Field(description="Jensen-Shannon divergence, 0 to 1 bit.")] = 0
    g: Annotated[float, Field(description="G statistic of equality: grows with the number of predictions.")] = 0
    dispersion: Annotated[
        float, Field(description="Logarithms of evidence are divided by it: predictions come in batches.")
    ] = 1
    classes: Annotated[tuple[ClassStatus, ...], Field(max_length=8)] = ()


class AgreementStatus(Schema):
    """Answers of the new version to copies of requests, held against those of the old one."""

    compared: Annotated[int, Field(description="Requests to which both gave an answer that can be compared.")] = 0
    agreed: int = 0
    status: Annotated[int, Field(description="Answered with another status, or not at all by the new version.")] = 0
    type: Annotated[int, Field(description="With another type, field or tensor.")] = 0
    value: Annotated[int, Field(description="With another value.")] = 0
    low: Annotated[
        float, Field(description="So large a share agrees at least, with the confidence of a promotion.")
    ] = 0
    high: Annotated[float, Field(description="So large a share agrees at most.")] = 1
    minimum: Annotated[float, Field(description="So large a share has to.")]
    sentence: Annotated[str, Field(description="The same in words.")]


class TrialStatus(Schema):
    """The business metric of an A/B test. Successes are the requests that did not fail."""

    outcome: Literal["Undecided", "CanaryWins", "StableWins", "NoDifference"] = "Undecided"
    difference: Annotated[float, Field(description="Share of successes, the canary's minus the baseline's.")] = 0
    minimum_effect: Annotated[float, Field(description="So large a difference matters.")]
    wins_at: Annotated[float, Field(description="2 / falseReject: so much evidence makes a winner.")]
    no_gain: Annotated[float, Field(description="Evidence against: better by minimumEffect.")] = 1
    no_loss: Annotated[float, Field(description="Evidence against: worse by minimumEffect.")] = 1
    no_difference_at: Annotated[float, Field(description="1 / falsePromote, for both of these.")]
    dispersion: Annotated[float, Field(description="Logarithms of evidence are divided by it.")] = 1
    sentence: Annotated[str, Field(description="The same in words.")]


class MetricStatus(Schema):
    """One metric's numbers, each next to the threshold it is held against."""

    name: Annotated[str, Field(description="As in the plan; latency/0.25 for requests slower than 0.25 s.")]
    baseline: CountsStatus = CountsStatus()
    canary: CountsStatus = CountsStatus()
    evidence_good: Annotated[float, Field(description="Evidence against: worse by the margin. 1 is none.")] = 1
    promotes_at: Annotated[float, Field(description="1 / falsePromote.")] = 20
    evidence_bad: Annotated[float, Field(description="Evidence against: as good as the baseline. 1 is none.")] = 1
    rejects_at: Annotated[float, Field(description="1 / falseReject.")] = 100
    proven_worse_at_most: Annotated[
        float | None,
        Field(description="So much worse, as a share of requests, is excluded by now; promotes at margin."),
    ] = None
    margin: Annotated[float | None, Field(description="In force at the baseline's present failure rate.")] = None
    dispersion: DispersionStatus | None = None
    requests_needed: Annotated[int | None, Field(description="About so many more until the verdict.")] = None
    drift: Annotated[
        DriftStatus | None, Field(description="Categories only; requests are predictions there, and none fails.")
    ] = None
    agreement: Annotated[
        AgreementStatus | None,
        Field(description="Strategy Shadow only; failures of the canary are disagreements there."),
    ] = None
    trial: Annotated[
        TrialStatus | None,
        Field(description="Strategy ABTest only; evidenceGood is that for the canary as the winner."),
    ] = None


class StageStatus(Schema):
    """One phase of the attempt and when it was."""

    phase: Phase
    started: datetime
    finished: datetime | None = None
    held_seconds: Annotated[int, Field(description="Of this, time spent paused.")] = 0


class GateStatus(Schema):
    """Something that a person or a pipeline has to let begin, by spec.approvals."""

    name: Annotated[str, Field(description="BeforeTraffic, BeforePromotion, or a step such as Step2.")]
    state: Annotated[Literal["Waiting", "Open"], Field(description="Waiting: nobody has approved it yet.")]
    since: datetime


class DecidedBy(Schema):
    """Who ended the attempt."""

    how: Literal["Evidence", "Person", "Operator"]


class RolloutStatus(Schema):
    """The observed state, written only by the operator."""

    observed_generation: Annotated[int, Field(description="The generation that this status tells of.")] = -1
    phase: Annotated[Phase | None, Field(description="How far the attempt is; the last six are its ends.")] = None
    reason: Annotated[str | None, Field(description="Why it is there, as one word for programs.")] = None
    message: Annotated[str | None, Field(description="Why it is there, as a sentence for people.")] = None
    stable: Annotated[RevisionStatus | None, Field(description="What users had when the attempt began.")] = None
    canary: Annotated[RevisionStatus | None, Field(description="What is tried.")] = None
    baseline: Annotated[
        RevisionStatus | None, Field(description="Stable again, young and as small as the canary, to compare with.")
    ] = None
    weights: WeightsStatus | None = None
    step: Annotated[StepStatus | None, Field(description="Left out where the shares follow the pods.")] = None
    verdict: VerdictStatus | None = None
    metrics: Annotated[tuple[MetricStatus, ...], Field(max_length=24, description="The numbers per metric.")] = ()
    gates: Annotated[
        tuple[GateStatus, ...], Field(max_length=16, description="What the plan wants approved, in its order.")
    ] = ()
    stages: Annotated[tuple[StageStatus, ...], Field(max_length=32, description="The phases gone through.")] = ()
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
    conditions: Conditions = ()


class Rollout(Schema):
    """One attempt to move a ModelDeployment to the revision that it desires."""

    api_version: str
    kind: str
    metadata: dict[str, Any]
    spec: RolloutSpec
    status: RolloutStatus = RolloutStatus()
