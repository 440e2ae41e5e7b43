"""Objects that the definitions refuse, each with the field and the reason that a person is told."""

from typing import Any

import pytest
from serin.api.v1alpha1.shared import API_VERSION

Json = dict[str, Any]


def model_deployment(name: str = "weather", **changes: Any) -> Json:
    """A valid object but for the changes: path of a field in the spec, `__` for each dot, and its value."""
    return make_object("ModelDeployment", name, {"model": {"uri": "oci://models/weather:1"}}, changes)


def rollout(name: str = "weather-1", **changes: Any) -> Json:
    return make_object("Rollout", name, {"modelDeployment": "weather"}, changes)


def make_object(kind: str, name: str, spec: Json, changes: Json) -> Json:
    for path, value in changes.items():
        *parents, field = path.split("__")
        target = spec
        for parent in parents:
            target = target.setdefault(parent, {})
        target[field] = value
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


AB_TEST: Json = {"metric": {"total": "offers_total", "success": 'offers_total{taken="yes"}'}}


def metric(**fields: Any) -> list[Json]:
    return [fields]


def row(name: str, body: Json, *parts: str) -> Any:
    """A refused object: a sentence, the object, and what the message must say: the field, then why."""
    return pytest.param(body, parts, id=name)


MODEL_DEPLOYMENT_RULES = [
    row(
        "one port for HTTP and gRPC",
        model_deployment(server__ports__grpc=8080),
        "spec.server.ports",
        "http and grpc must be two ports",
    ),
    row(
        "one port of the Service for HTTP and gRPC",
        model_deployment(server__ports__grpc=9000, service__port=9000),
        "spec",
        "service.port and the port for gRPC",
    ),
    row(
        "a name too long for the names of its services",
        model_deployment("w" * 46),
        "metadata.name names Services and labels: at most 45 characters",
    ),
    row(
        "a name that no Service can have",
        model_deployment("1st.model"),
        "metadata.name names Services and labels: at most 45 characters",
    ),
    row(
        "a model source that is not known",
        model_deployment(model__uri="ftp://models/weather"),
        "spec.model",
        "uri must start with oci://, pvc://, configmap://, https://, s3://, gs://, az://, hf:// or file://",
    ),
    row(
        "a config map without a key",
        model_deployment(model__uri="configmap://weather"),
        "spec.model",
        "a configmap uri names the object and its key: configmap://name/key",
    ),
    row(
        "a claim without a path",
        model_deployment(model__uri="pvc://models"),
        "spec.model",
        "a pvc uri names the claim and the path in it: pvc://claim/path",
    ),
    row(
        "a start-up deadline of nothing",
        model_deployment(server__health__startupDeadline="0s"),
        "spec.server.health",
        "startupDeadline must be at least 1s",
    ),
    row(
        "counters of one's own without their names",
        model_deployment(server__metrics={"preset": "Custom"}),
        "spec.server.metrics",
        "preset Custom needs total and failed; these, latencyBuckets and failedWhenAbsent go only there",
    ),
    row(
        "own counters beside those of another preset",
        model_deployment(server__metrics={"preset": "Triton", "total": "x"}),
        "spec.server.metrics",
        "preset Custom needs total and failed; these, latencyBuckets and failedWhenAbsent go only there",
    ),
    row(
        "latencies of a server that has no histogram",
        model_deployment(
            server__metrics__preset="Triton", rollout__analysis__metrics=[{}, {"name": "l", "type": "Histogram"}]
        ),
        "spec",
        "rollout.analysis.metrics: this server.metrics.preset has no histogram of latencies, give each metric of type "
        "Histogram its buckets",
    ),
    row(
        "predictions of a server that does not count them",
        model_deployment(
            server__metrics__preset="Istio", rollout__analysis__metrics=[{}, {"name": "p", "type": "Categories"}]
        ),
        "spec",
        "rollout.analysis.metrics: this server.metrics.preset has no counter of predictions, give each metric of type "
        "Categories its predictions or buckets",
    ),
    row(
        "an autoscaler with its bounds the wrong way round",
        model_deployment(autoscaling={"minReplicas": 3, "maxReplicas": 2}),
        "spec.autoscaling",
        "minReplicas must not be greater than maxReplicas",
    ),
    row(
        "an autoscaler by two rules",
        model_deployment(autoscaling={"maxReplicas": 2, "targetCPUUtilization": 50, "metrics": [{"type": "Pods"}]}),
        "spec.autoscaling",
        "targetCPUUtilization and metrics exclude each other: put the CPU into metrics, too",
    ),
    row(
        "a budget that lets no node be drained",
        model_deployment(disruptionBudget__maxUnavailable=0),
        "spec.disruptionBudget",
        "maxUnavailable must be a number of pods (1 to 1000) or a share of them such as 25%: with none at all no node",
    ),
    row(
        "a budget of nothing that can be counted",
        model_deployment(disruptionBudget__maxUnavailable="some"),
        "spec.disruptionBudget",
        "maxUnavailable must be a number of pods (1 to 1000) or a share of them such as 25%",
    ),
    row(
        "latencies by routers, which count none by pod",
        model_deployment(
            server__metrics__preset="Router",
            traffic__provider="Router",
            rollout__analysis__metrics=[{}, {"name": "l", "type": "Histogram"}],
        ),
        "spec",
        "this server.metrics.preset has no histogram of latencies",
    ),
    row(
        "the counters of routers that are not there",
        model_deployment(server__metrics__preset="Router", traffic__provider="Replicas"),
        "spec",
        "server.metrics.preset Router reads the counters of spec.traffic.provider Router, choose that provider or the "
        "preset of the server",
    ),
    row(
        "copies of requests by routers, which do not count them",
        model_deployment(server__metrics__preset="Router", rollout__strategy="Shadow"),
        "spec",
        "rollout.strategy Shadow: copies of requests are counted by no router, so with server.metrics.preset Router "
        "give each metric of rollout.analysis its own counters",
    ),
]

PLAN_RULES = [
    row(
        "buckets of a ratio",
        model_deployment(rollout__analysis__metrics=[{"buckets": "x_bucket"}]),
        "buckets go with types Histogram and Categories",
    ),
    row(
        "bounds of categories",
        model_deployment(rollout__analysis__metrics=[{"name": "a"}, {"type": "Categories", "bounds": [0.1]}]),
        "bounds go with type Histogram",
    ),
    row(
        "a limit of a ratio",
        model_deployment(rollout__analysis__metrics=metric(limit=0.1)),
        "predictions, classLabel, limit and action go with type Categories",
    ),
    row(
        "classes and numbers at once",
        model_deployment(
            rollout__analysis__metrics=[{"name": "a"}, {"type": "Categories", "predictions": "a", "buckets": "b"}]
        ),
        "predictions counts classes and buckets numbers",
    ),
    row(
        "a label without its counter",
        model_deployment(rollout__analysis__metrics=[{"name": "a"}, {"type": "Categories", "classLabel": "digit"}]),
        "classLabel goes with predictions",
    ),
    row(
        "nothing but categories",
        model_deployment(rollout__analysis__metrics=[{"type": "Categories"}]),
        "at least one Ratio or Histogram",
    ),
    row(
        "failures of a histogram",
        model_deployment(rollout__analysis__metrics=[{"type": "Histogram", "total": "a", "failed": "b"}]),
        "total and failed go with type Ratio",
    ),
    row(
        "one name twice", model_deployment(rollout__analysis__metrics=[{}, {}]), "every metric needs a name of its own"
    ),
    row("a canary of no pods", model_deployment(rollout__size=0), "spec.rollout", "size must be a number of pods"),
    row("a canary of too many pods", model_deployment(rollout__size=1001), "spec.rollout", "size must be a number"),
    row("a share above all", model_deployment(rollout__size="101%"), "spec.rollout", "or a share of the replicas"),
    row("a share without its sign", model_deployment(rollout__size="25"), "spec.rollout", "such as 25%"),
    row(
        "two ways to choose the shares",
        model_deployment(rollout__ramp={}, rollout__steps=[{"weight": 5}]),
        "spec.rollout",
        "give either ramp, shares by evidence, or steps, shares of your own",
    ),
    row(
        "a shadow that is none",
        model_deployment(rollout__shadow={}),
        "spec.rollout",
        "shadow goes with strategy Shadow",
    ),
    row(
        "a shadow with users",
        model_deployment(rollout__strategy="Shadow", rollout__steps=[{"weight": 5}]),
        "spec.rollout",
        "a Shadow gets none",
    ),
    row(
        "an A/B test of nothing",
        model_deployment(rollout__strategy="ABTest", traffic__sticky={"cookie": True}),
        "spec.rollout",
        "abTest and strategy ABTest go together",
    ),
    row(
        "an A/B test that moves its users",
        model_deployment(
            rollout__strategy="ABTest", rollout__abTest=AB_TEST, rollout__ramp={}, traffic__sticky={"cookie": True}
        ),
        "spec.rollout",
        "users who have to stay",
    ),
    row(
        "an A/B test of users who do not stay",
        model_deployment(rollout__strategy="ABTest", rollout__abTest=AB_TEST),
        "spec",
        "give traffic.sticky a header or cookie: true",
    ),
    row(
        "a ramp that does not rise",
        model_deployment(rollout__ramp={"weights": [5, 5]}),
        "spec.rollout.ramp",
        "weights must rise from step to step",
    ),
    row(
        "a ramp that goes back before it holds",
        model_deployment(rollout__ramp={"holdAbove": 5, "backAbove": 2}),
        "spec.rollout.ramp",
        "holdAbove must not be greater than backAbove",
    ),
    row(
        "steps that fall",
        model_deployment(rollout__steps=[{"weight": 25}, {"weight": 5}]),
        "spec.rollout",
        "steps: weights must not fall from step to step",
    ),
    row(
        "a deadline of nothing",
        model_deployment(rollout__progressDeadline="0s"),
        "spec.rollout",
        "progressDeadline must be at least 1s",
    ),
    row(
        "a shortest time above the longest",
        model_deployment(rollout__analysis__minDuration="2h"),
        "spec.rollout.analysis",
        "minDuration must not be longer than maxDuration",
    ),
    row(
        "an interval that Prometheus cannot follow",
        model_deployment(rollout__analysis__interval="500ms"),
        "spec.rollout.analysis",
        "interval must be at least 1s",
    ),
    row(
        "a comparison without one interval",
        model_deployment(rollout__analysis={"minDuration": "1s", "maxDuration": "5s"}),
        "spec.rollout.analysis",
        "maxDuration must be at least one interval",
    ),
    row(
        "a fixed dispersion without its value",
        model_deployment(rollout__analysis__dispersion={"mode": "Fixed"}),
        "spec.rollout.analysis.dispersion",
        "value goes with mode Fixed",
    ),
    row(
        "a value for a dispersion that is learned",
        model_deployment(rollout__analysis__dispersion={"value": 3}),
        "spec.rollout.analysis.dispersion",
        "value goes with mode Fixed",
    ),
    row(
        "absence of a counter that is not named",
        model_deployment(rollout__analysis__metrics=metric(failedWhenAbsent="Zero")),
        "spec.rollout.analysis.metrics[0]",
        "failedWhenAbsent goes with total and failed",
    ),
    row(
        "failures without a total",
        model_deployment(rollout__analysis__metrics=metric(failed="errors_total")),
        "spec.rollout.analysis.metrics[0]",
        "total and failed go together",
    ),
    row(
        "no margin at all",
        model_deployment(rollout__analysis__metrics=metric(margin={"absolute": 0, "relative": 0})),
        "spec.rollout.analysis.metrics[0].margin",
        "absolute or relative must be greater than 0",
    ),
    row(
        "a rollout's own plan is held to the same rules",
        rollout(plan__analysis__interval="500ms"),
        "spec.plan.analysis",
        "interval must be at least 1s",
    ),
]

BOUNDS = [
    row("no model", make_object("ModelDeployment", "weather", {}, {}), "spec.model: Required value"),
    row("no source", model_deployment(model={"version": "1"}), "spec.model.uri: Required value"),
    row("a version that no label can hold", model_deployment(model__version="a b"), "spec.model.version", "match"),
    row("a version that is too long", model_deployment(model__version="1" * 64), "spec.model.version: Too long"),
    row("a digest of another kind", model_deployment(model__digest="md5:0"), "spec.model.digest", "match"),
    row("pods below zero", model_deployment(replicas=-1), "spec.replicas", "greater than or equal to 0"),
    row("pods without end", model_deployment(replicas=1001), "spec.replicas", "less than or equal to 1000"),
    row("a port that does not exist", model_deployment(server__ports__http=65536), "spec.server.ports.http", "65535"),
    row("a probe without a path", model_deployment(server__health__ready="ready"), "spec.server.health.ready", "match"),
    row("too many arguments", model_deployment(server__args=["x"] * 65), "spec.server.args: Too many"),
    row("a service of another kind", model_deployment(service__type="Door"), "spec.service.type: Unsupported value"),
    row("a provider that is not there", model_deployment(traffic__provider="Mesh"), "spec.traffic.provider"),
    row("history without end", model_deployment(historyLimit=101), "spec.historyLimit", "less than or equal to 100"),
    row("a duration in words", model_deployment(rollout__progressDeadline="ten"), "spec.rollout.progressDeadline"),
    row("certainty", model_deployment(rollout__analysis__falseReject=0), "falseReject", "greater than 0"),
    row("a coin toss", model_deployment(rollout__analysis__falsePromote=0.5), "falsePromote", "less than 0.5"),
    row("no metric", model_deployment(rollout__analysis__metrics=[]), "spec.rollout.analysis.metrics", "at least 1"),
    row(
        "nine metrics",
        model_deployment(rollout__analysis__metrics=[{"name": f"m{i}"} for i in range(9)]),
        "metrics: Too many",
    ),
    row(
        "a query where a counter belongs",
        model_deployment(rollout__analysis__metrics=metric(total="sum(rate(x[1m]))", failed="y")),
        "spec.rollout.analysis.metrics[0].total",
    ),
    row(
        "a margin of everything", model_deployment(rollout__analysis__metrics=metric(margin={"absolute": 1})), "than 1"
    ),
    row(
        "a strategy that is not there", model_deployment(rollout__strategy="Hope"), "spec.rollout.strategy: Unsupported"
    ),
    row(
        "full agreement is never proven",
        model_deployment(rollout__strategy="Shadow", rollout__shadow={"compare": {"agreement": 1}}),
        "agreement",
        "less than 1",
    ),
    row("another end", model_deployment(rollout__onInconclusive="Wait"), "spec.rollout.onInconclusive: Unsupported"),
    row("a rollout of nothing", make_object("Rollout", "r", {}, {}), "spec.modelDeployment: Required value"),
    row(
        "more than there is", model_deployment(rollout__steps=[{"weight": 51}]), "steps[0].weight", "less than or equal"
    ),
    row("a step of nothing", model_deployment(rollout__ramp={"weights": [0]}), "ramp.weights[0]", "greater than 0"),
    row("a gate that is not there", rollout(approvals=["Step0"]), "spec.approvals[0]", "match"),
    row("another decision", rollout(decision="Maybe"), "spec.decision: Unsupported value"),
]
