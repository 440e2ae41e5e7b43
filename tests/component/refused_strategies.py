"""Plans with a field that cannot mean anything with their strategy, each with the sentence that a person is told."""

from component.refused_objects import metric, model_deployment, row

STRATEGY_RULES = [
    row(
        "a ramp of a strategy that sends all at once",
        model_deployment(rollout={"strategy": "BlueGreen", "ramp": {}}),
        "spec.rollout",
        "ramp and steps go with strategy Canary",
    ),
    row(
        "steps of a strategy that follows the pods",
        model_deployment(rollout={"strategy": "RollingUpdate", "steps": [{"weight": 5}]}),
        "spec.rollout",
        "ramp and steps go with strategy Canary",
    ),
    row(
        "an answer to evidence that nobody waits for",
        model_deployment(rollout={"strategy": "BlueGreen", "onInconclusive": "Reject"}),
        "spec.rollout",
        "onInconclusive goes with a comparison before the promotion",
    ),
    row(
        "a canary without anything to compare it with",
        model_deployment(rollout__baseline=False),
        "spec.rollout",
        "baseline: false goes with strategy BlueGreen",
    ),
    row(
        "a bake without old pods",
        model_deployment(rollout={"strategy": "RollingUpdate", "bake": "5m"}),
        "spec.rollout",
        "bake needs old pods to return to",
    ),
    *(
        row(
            f"{name} of a strategy that compares nothing",
            model_deployment(rollout={"strategy": "Recreate", "analysis": analysis}),
            "spec.rollout",
            "analysis goes with a baseline",
        )
        for name, analysis in {
            "an interval": {"interval": "20s"},
            "a false reject": {"falseReject": 0.1},
            "a dispersion": {"dispersion": {"mode": "Fixed", "value": 2}},
            "two metrics": {"metrics": [{}, {"name": "l", "type": "Histogram"}]},
            "counters": {"metrics": metric(total="a", failed="b")},
            "a margin": {"metrics": metric(margin={"absolute": 0.1})},
        }.items()
    ),
    row(
        "a comparison of a bake without a baseline",
        model_deployment(rollout={"strategy": "BlueGreen", "baseline": False, "analysis": {"warmup": "1s"}}),
        "spec.rollout",
        "analysis goes with a baseline",
    ),
    row(
        "a verdict that ends no bake",
        model_deployment(rollout={"strategy": "BlueGreen", "analysis": {"minDuration": "1m"}}),
        "spec.rollout",
        "analysis.minDuration, maxDuration and falsePromote go with a comparison before the promotion",
    ),
    row(
        "a size where all pods are replaced",
        model_deployment(rollout={"strategy": "Recreate", "size": 2}),
        "spec.rollout",
        "size goes with the other strategies",
    ),
    row(
        "a size of a baseline that is not there",
        model_deployment(rollout={"strategy": "BlueGreen", "size": "50%", "baseline": False}),
        "spec.rollout",
        "size is that of the baseline",
    ),
]
