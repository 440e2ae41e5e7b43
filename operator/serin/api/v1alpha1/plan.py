"""The Plan: how a new revision is tried. `ModelDeployment.spec.rollout`, and per attempt `Rollout.spec.plan`.

Every default is in the schema, so `kubectl get -o yaml` shows the whole plan. Where the numbers come from:
docs/verdict.md.
"""

from typing import Annotated, Literal

from pydantic import Field

from serin.api.v1alpha1.shared import Duration, Rule, Schema
from serin.api.v1alpha1.strategy_rules import make_strategy_rules

# A counter with optional label matchers: `requests_total{handler="/predict"}`. Matchers for the pods are added.
# `{__name__=~"ok_total|failed_total"}` names several.
CounterSelector = Annotated[str, Field(pattern=r"^([a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})?|\{[^{}]+\})$", max_length=512)]

WhenAbsent = Literal["Wait", "Zero"]


class Margin(Schema):
    """How much worse still counts as good: the larger of the two."""

    RULES = (Rule("self.absolute > 0.0 || self.relative > 0.0", "margin: absolute or relative must be greater than 0"),)
    absolute: Annotated[float, Field(ge=0, lt=1, description="Share of requests, 0.005 is half a percent.")] = 0.005
    relative: Annotated[float, Field(ge=0, lt=1, description="Share of the baseline's failure rate.")] = 0.2


class Metric(Schema):
    """What is compared: from each pod's Prometheus counters a share of its requests, failed or too slow."""

    RULES = (
        Rule(
            "has(self.total) == has(self.failed)",
            "total and failed go together: give both counters, or neither for those of server.metrics",
        ),
        Rule("self.type == 'Ratio' || !has(self.total)", "total and failed go with type Ratio"),
        Rule("has(self.total) || !has(self.failedWhenAbsent)", "failedWhenAbsent goes with total and failed"),
        Rule(
            "self.type == 'Histogram' || !has(self.bounds) || self.bounds.size() == 0",
            "bounds go with type Histogram",
        ),
        Rule("self.type != 'Ratio' || !has(self.buckets)", "buckets go with types Histogram and Categories"),
        Rule(
            "self.type == 'Categories'"
            " || !(has(self.predictions) || has(self.classLabel) || has(self.limit) || has(self.action))",
            "predictions, classLabel, limit and action go with type Categories",
        ),
        Rule(
            "!has(self.predictions) || !has(self.buckets)",
            "predictions counts classes and buckets numbers: give one of them",
        ),
        Rule("!has(self.classLabel) || has(self.predictions)", "classLabel goes with predictions"),
    )
    name: Annotated[
        str,
        Field(min_length=1, max_length=63, pattern=r"^[^/]+$", description="Names it in status.metrics, without a /."),
    ] = "success-rate"
    type: Annotated[
        Literal["Ratio", "Histogram", "Categories"],
        Field(
            description="Ratio: requests that failed. Histogram: requests slower than some bounds. Categories: "
            "predictions that moved to another class."
        ),
    ] = "Ratio"
    total: Annotated[
        CounterSelector | None,
        Field(description='Ratio: counter of all requests, such as requests_total{handler="/predict"}.'),
    ] = None
    failed: Annotated[
        CounterSelector | None, Field(description='Ratio: counter of failed ones, such as requests_total{code=~"5.."}.')
    ] = None
    failed_when_absent: Annotated[
        WhenAbsent | None,
        Field(
            description="Ratio: what it means that a pod has counted requests and has no series of failed ones. Zero "
            "failures, or a wrong selector: wait. Left out: Zero when both name one counter, Wait when they name two."
        ),
    ] = None
    buckets: Annotated[
        CounterSelector | None,
        Field(
            description="Histogram: its buckets, such as request_seconds_bucket, or a native histogram. Categories: "
            "the buckets of predicted numbers, each a class."
        ),
    ] = None
    bounds: Annotated[
        tuple[float, ...],
        Field(
            max_length=3,
            description="Histogram: bounds of its buckets in seconds; chosen from the stable pods when left out.",
        ),
    ] = ()
    margin: Margin = Margin()
    tolerance: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="This share of the margin is no reason to reject. Ratio: 0, Histogram: 0.25 when left out.",
        ),
    ] = None
    predictions: Annotated[
        CounterSelector | None,
        Field(description="Categories: counter of predictions with a label that names the class."),
    ] = None
    class_label: Annotated[
        str | None,
        Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=63, description="That label; class when left out."),
    ] = None
    limit: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="Categories: this share of the predictions may move to another class; 0.05 when left out.",
        ),
    ] = None
    action: Annotated[
        Literal["Warn", "Reject"] | None,
        Field(
            description="Categories: what more than the limit means. Warn, also when left out, tells it and decides "
            "nothing; Reject makes it a metric like the others."
        ),
    ] = None


class Dispersion(Schema):
    """How much failures come in bursts: what one piece of evidence is worth."""

    RULES = (
        Rule("(self.mode == 'Fixed') == has(self.value)", "dispersion: value goes with mode Fixed, and only there"),
    )
    mode: Annotated[
        Literal["Auto", "Fixed"], Field(description="Auto learns it from the stable pods; Fixed takes the value.")
    ] = "Auto"
    value: Annotated[
        float | None, Field(ge=1, le=1000, description="1 for independent failures, 20 for bursts of 20.")
    ] = None
    lookback: Annotated[
        Duration, Field(description="How far back the stable pods' past is asked for; 0s asks for none.")
    ] = "1h"


class Analysis(Schema):
    """The comparison of canary and baseline, and the two error rates that it keeps."""

    RULES = (
        Rule(
            "duration(self.minDuration) <= duration(self.maxDuration)",
            "minDuration must not be longer than maxDuration",
        ),
        Rule("duration(self.interval) >= duration('1s')", "interval must be at least 1s"),
        Rule("duration(self.maxDuration) >= duration(self.interval)", "maxDuration must be at least one interval"),
        Rule(
            "self.metrics.all(metric, self.metrics.exists_one(other, other.name == metric.name))",
            "metrics: every metric needs a name of its own",
        ),
        Rule(
            "self.metrics.exists(metric, metric.type != 'Categories')",
            "metrics: at least one Ratio or Histogram, Categories alone say nothing of failures",
        ),
    )
    interval: Annotated[Duration, Field(description="Time between two looks at the counters.")] = "10s"
    warmup: Annotated[
        Duration,
        Field(
            description="What both young variants do in this time is not judged; only a canary that is plainly broken "
            "is rejected."
        ),
    ] = "60s"
    min_duration: Annotated[Duration, Field(description="No promotion before this much time with data.")] = "5m"
    max_duration: Annotated[
        Duration, Field(description="Time with data after which the comparison is inconclusive.")
    ] = "30m"
    false_reject: Annotated[
        float, Field(gt=0, lt=0.5, description="Chance to reject a canary that is as good as the baseline.")
    ] = 0.01
    false_promote: Annotated[
        float, Field(gt=0, lt=0.5, description="Chance to promote a canary that is worse by the margin.")
    ] = 0.05
    control: Annotated[
        Literal["Baseline", "BaselineAndStable"],
        Field(
            description="What the canary is compared with. BaselineAndStable decides sooner with few requests, and may "
            "blame a canary for being young. Categories always compare with the baseline."
        ),
    ] = "Baseline"
    dispersion: Dispersion = Dispersion()
    metrics: Annotated[
        tuple[Metric, ...],
        Field(
            min_length=1,
            max_length=8,
            description="What is compared. All together are good enough for a promotion or not good enough.",
        ),
    ] = (Metric(),)


class Preflight(Schema):
    """Checks of the new version before the first user's request."""

    requests: Annotated[
        str | None,
        Field(
            pattern=r"^configmap://[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            max_length=265,
            description="configmap://name with golden requests and what every good version answers: docs/preflight.md.",
        ),
    ] = None
    contract: Annotated[
        Literal["Enforce", "Warn", "Off"],
        Field(
            description="What a breach does: inputs and outputs that callers of stable rely on, and golden requests. "
            "Enforce fails the rollout, Warn tells of it, Off does not look."
        ),
    ] = "Enforce"


# Of the requests, for the canary and as much for the baseline: more than half of each is not there.
Weight = Annotated[float, Field(gt=0, le=50, description="Percent of the requests, for canary and baseline each.")]


class Ramp(Schema):
    """Shares chosen by the evidence: small ones first, so that a broken canary fails few requests."""

    RULES = (
        Rule(
            "self.weights.isSorted() && self.weights.all(w, self.weights.exists_one(other, other == w))",
            "ramp: weights must rise from step to step",
        ),
        Rule("self.holdAbove <= self.backAbove", "ramp: holdAbove must not be greater than backAbove"),
    )
    weights: Annotated[
        tuple[Weight, ...],
        Field(min_length=1, max_length=10, description="The steps; as far as `size` pods can bear, none beyond that."),
    ] = (1, 2, 5, 10, 25, 45)
    step_after: Annotated[Duration, Field(description="Least time with data at a step.")] = "20s"
    hold_above: Annotated[
        float, Field(ge=1, le=1000, description="Evidence of harm (evidenceBad) from which no step is taken.")
    ] = 1.5
    back_above: Annotated[
        float, Field(ge=1, le=1000, description="Evidence of harm from which it goes back by one step.")
    ] = 10


class Step(Schema):
    """A share that a person chose."""

    weight: Weight
    for_: Annotated[
        Duration, Field(alias="for", description="Least time with data at this step; a promotion waits for it.")
    ] = "0s"
    approval: Annotated[
        bool, Field(description="Begins only when spec.approvals of the Rollout names it: Step1, Step2 and so on.")
    ] = False


class Compare(Schema):
    """When two answers to one request are the same: docs/shadow.md."""

    agreement: Annotated[
        float, Field(gt=0, lt=1, description="This share of the answers has to agree, with the confidence of analysis.")
    ] = 0.98
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="Numbers that are not whole may differ so much, absolute and relative.")
    ] = 1e-3
    ignore: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253)], ...],
        Field(max_length=16, description="Names of fields that may differ, such as took_ms, wherever they are."),
    ] = ()


class Shadow(Schema):
    """Copies of the users' requests for the new version; users get the answers of stable alone."""

    fraction: Annotated[
        float, Field(ge=0.01, le=100, description="Percent of the requests that are copied, as far as size pods bear.")
    ] = 100
    compare: Compare = Compare()


class BusinessMetric(Schema):
    """What an A/B test counts of each pod: chances, and those that became a success."""

    total: Annotated[CounterSelector, Field(description="Counter of chances, such as offers_total.")]
    success: Annotated[CounterSelector, Field(description='Counter of successes, such as offers_total{taken="yes"}.')]
    success_when_absent: Annotated[
        WhenAbsent | None,
        Field(
            description="What it means that a pod has counted chances and has no series of successes. Left out: Zero "
            "when both name one counter, Wait when they name two."
        ),
    ] = None


class AbTest(Schema):
    """Fixed shares of users who stay where they are, and a metric that says who is served better."""

    weight: Annotated[
        Weight, Field(description="Percent of the users for the new version, and as much for the baseline.")
    ] = 50
    metric: BusinessMetric
    minimum_effect: Annotated[
        float, Field(gt=0, lt=0.9, description="The smallest difference of the shares of successes that matters.")
    ] = 0.01


StrategyName = Literal["Canary", "Shadow", "ABTest", "BlueGreen", "RollingUpdate", "Recreate"]

Gate = Literal["BeforeTraffic", "BeforePromotion"]


class Plan(Schema):
    """How a new revision is tried, and what happens when the evidence stays open."""

    RULES = (
        Rule(
            "type(self.size) == int ? int(self.size) >= 1 && int(self.size) <= 1000"
            " : string(self.size).matches('^([1-9][0-9]?|100)%$')",
            "size must be a number of pods (1 to 1000) or a share of the replicas such as 25%",
        ),
        Rule("duration(self.progressDeadline) >= duration('1s')", "progressDeadline must be at least 1s"),
        Rule(
            "!has(self.ramp) || !has(self.steps) || self.steps.size() == 0",
            "give either ramp, shares by evidence, or steps, shares of your own",
        ),
        Rule(
            "!has(self.steps) || self.steps.map(step, step.weight).isSorted()",
            "steps: weights must not fall from step to step",
        ),
        Rule("!has(self.shadow) || self.strategy == 'Shadow'", "shadow goes with strategy Shadow"),
        Rule(
            "self.strategy != 'Shadow' || !(has(self.ramp) || has(self.steps) && self.steps.size() > 0)",
            "ramp and steps are shares of the users' requests: a Shadow gets none, say shadow.fraction",
        ),
        Rule("has(self.abTest) == (self.strategy == 'ABTest')", "abTest and strategy ABTest go together"),
        Rule(
            "self.strategy != 'ABTest' || !(has(self.ramp) || has(self.steps) && self.steps.size() > 0)",
            "ramp and steps would move users who have to stay: an ABTest has the one share abTest.weight",
        ),
        *make_strategy_rules(Analysis()),
    )
    strategy: Annotated[
        StrategyName,
        Field(
            description="Canary: a few pods of the new version, compared with young ones of the old. Shadow: these get"
            " copies of the requests, and their answers are compared; users get stable's alone. ABTest: users stay with"
            " one of both, and a business metric says who is served better. BlueGreen: the whole new version beside the"
            " old, then every request at once. RollingUpdate: pod by pod, nothing compared. Recreate: the old pods go"
            " first, and nobody is served meanwhile. docs/strategies.md says which for whom."
        ),
    ] = "Canary"
    size: Annotated[
        int | str,
        Field(
            description="A number of pods, or a share such as 25%. Canary: of the canary and of the baseline."
            " BlueGreen: of the baseline. RollingUpdate: replaced at a time."
        ),
    ] = 1
    baseline: Annotated[
        bool,
        Field(
            description="Runs the old version once more, to compare the new one with. Only BlueGreen can do without:"
            " false gives its bake every request and no comparison."
        ),
    ] = True
    preflight: Preflight = Preflight()
    ramp: Annotated[
        Ramp | None, Field(description="Shares chosen by the evidence; the defaults when steps are left out, too.")
    ] = None
    steps: Annotated[
        tuple[Step, ...], Field(max_length=10, description="Shares of your own instead of a ramp, all gone through.")
    ] = ()
    shadow: Annotated[Shadow | None, Field(description="Strategy Shadow; its defaults when left out.")] = None
    ab_test: Annotated[AbTest | None, Field(alias="abTest", description="Strategy ABTest.")] = None
    analysis: Analysis = Analysis()
    approval: Annotated[
        tuple[Gate, ...],
        Field(
            max_length=2,
            description="What waits until spec.approvals of the Rollout names it: BeforeTraffic, the first user's"
            " request; BeforePromotion, the growing of a version that the evidence is for.",
        ),
    ] = ()
    on_inconclusive: Annotated[
        Literal["Pause", "Reject", "Promote"],
        Field(description="What happens at maxDuration; Pause keeps the weights and waits for a decision."),
    ] = "Pause"
    bake: Annotated[
        Duration,
        Field(
            description="After the promotion the old revision stays at full size for so long, and a new one that turns"
            " bad gives the requests back to it at once; 0s for not at all."
        ),
    ] = "10m"
    progress_deadline: Annotated[
        Duration, Field(description="Pods of the new revision must be ready by then, download of the model included.")
    ] = "10m"
