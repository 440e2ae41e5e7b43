"""What a decision costs: one Rollout with four metrics, from facts to the next move and from facts to the whole plan.

    PYTHONPATH=operator:tests python benchmarks/decision.py

CPU time of this process, the best of some rounds: a busy machine makes single ones slower.
"""

import sys
import time
from collections.abc import Callable

from serin.core.evidence.counters import Reading
from serin.core.facts import Facts, InvalidSpec, MetricReadings
from serin.core.model_deployment.decide import decide
from serin.core.model_deployment.outcomes import recall
from serin.core.model_deployment.revisions import find_or_make_revision
from serin.core.rollout.attempt import Attempt
from serin.core.rollout.decide import decide_move
from serin.core.rollout.strategies import STRATEGIES
from unit.core.paper_cluster import INTERVAL_SECONDS, PaperCluster

METRICS = [{"name": f"metric-{i}", "total": f"all_{i}", "failed": f"failed_{i}"} for i in range(4)]
ANALYSIS = {"warmup": "0s", "minDuration": "30m", "maxDuration": "60m", "metrics": METRICS}
INTERVALS_BEFORE, ROLLOUTS, ROUNDS = 8, 1000, 3


def main() -> None:
    cluster = PaperCluster(replicas=4, size=2, splits_exactly=True, preflight={"contract": "Off"}, analysis=ANALYSIS)
    cluster.serving("1").wanting("2").until("Analyzing").settled()
    for _ in range(INTERVALS_BEFORE):
        cluster.look(read(cluster))
    facts = cluster.facts(read(cluster))
    attempt = make_attempt(facts)
    moves, plans = (measure(lambda: decide_move(attempt)), measure(lambda: decide(facts)))
    sys.stdout.write(f"one step of {ROLLOUTS:,} rollouts with {len(METRICS)} metrics each, CPU seconds\n")
    sys.stdout.write(f"  the next move (evidence of all metrics, phase, step): {moves:.2f}\n")
    sys.stdout.write(f"  the whole plan (also statuses, pods, traffic, events): {plans:.2f}\n")


def read(cluster: PaperCluster) -> MetricReadings:
    """An interval later: so many requests more of every pod, and a scrape of all four metrics."""
    cluster.count_requests(500, 5, 5)
    at_seconds = cluster.passing(INTERVAL_SECONDS).now.timestamp()
    readings = {pod.name: Reading(at_seconds, float(pod.requests), float(pod.failures)) for pod in cluster.pods.all}
    return MetricReadings({metric["name"]: readings for metric in METRICS})


def make_attempt(facts: Facts) -> Attempt:
    owner, rollout = facts.model_deployment, facts.rollouts[-1]
    assert not isinstance(owner.spec, InvalidSpec)
    assert not isinstance(rollout.spec, InvalidSpec)
    content, image = owner.spec.content, facts.default_server_image
    desired = find_or_make_revision(owner.key.name, content, facts.revisions, image)
    return Attempt(
        facts=facts,
        rollout=rollout,
        spec=rollout.spec,
        desired=desired,
        stable=recall(facts, desired).stable,
        replicas=owner.spec.replicas,
        plan=owner.spec.rollout,
        strategy=STRATEGIES["Canary"],
        is_frozen=False,
    )


def measure(step: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(ROLLOUTS):
            step()
        best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    main()
