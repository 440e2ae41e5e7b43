"""How soon users get a new weight, and how many feel a broken version, on the cluster of KUBECONFIG with Serin in it.

    python benchmarks/router/on_cluster.py changes      # some 3 minutes
    python benchmarks/router/on_cluster.py harm         # some 15 minutes
    python benchmarks/router/on_cluster.py deletions    # some 5 minutes

changes: all requests go over from one version to the other and back, 50 times, as the operator does it: measured from
the operator's first write to the first request that the other version answers, and to that on the last of eight
connections. harm: ten times a version that fails half of its requests with code 500 is rolled out by the default plan
(ramp, warm-up and interval) under 100 requests/s; counted is what users got. deletions: one of two routers is deleted
under 100 requests/s, five times with its grace period and five times by force; counted are requests without an answer.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "operator"), str(ROOT / "tests")]

from cluster.crowd_pod import Crowd  # noqa: E402
from cluster.namespace import open_namespace  # noqa: E402
from cluster.own_server import ANSWERS, NAME, add_script, own_server  # noqa: E402
from cluster.routed_weather import a_routed, leads_to_routers, router_pods  # noqa: E402
from cluster.traffic import Traffic  # noqa: E402
from cluster.waiting import wait_until  # noqa: E402
from cluster.weather import Weather  # noqa: E402
from cluster.weights_by_hand import CANARY_VERSION, STABLE_VERSION, Weights, WeightsByHand, hold_trial  # noqa: E402
from serin_testkit.builders import Manifest  # noqa: E402

CHANGES, APART_SECONDS = 50, 2.5
RUNS = 10
HISTORY_SECONDS = 150
"""Of traffic before the first of them: a service that has none of which bursts could be learned is judged slowly."""
REQUESTS_PER_SECOND = "100"
DELETIONS, DELETION_SECONDS = 5, 22


async def measure_changes() -> dict[str, object]:
    with open_namespace("changes") as namespace:
        weather, crowd = Weather(namespace), Crowd(namespace.kubectl, "http://weather")
        weather.add_models()
        crowd.start()
        hold_trial(weather)
        async with WeightsByHand.open(weather) as hand:
            await hand.put(Weights(canary=0))
            await asyncio.sleep(5)
            watching = asyncio.create_task(asyncio.to_thread(crowd.watch, 5 + CHANGES * (APART_SECONDS + 0.5)))
            await asyncio.sleep(3)
            written = []
            for number in range(CHANGES):
                is_canary = number % 2 == 0
                written.append((time.time(), CANARY_VERSION if is_canary else STABLE_VERSION))
                await hand.put(Weights(canary=100 if is_canary else 0))
                # Not in step with the second in which a kubelet looks after its pods.
                await asyncio.sleep(APART_SECONDS + random.uniform(-0.5, 0.5))
            told = await watching
    first, last = _delays(written, told["turns"])
    return {
        "failed": told["failed"],
        "requests": told["requests"],
        "first": _quantiles(first),
        "last": _quantiles(last),
    }


def _delays(
    written: Sequence[tuple[float, str]], turns: Sequence[tuple[int, float, str]]
) -> tuple[list[float], list[float]]:
    """Seconds from each write to the first connection that turned, and to the last."""
    first, last = [], []
    for (moment, version), (until, _) in zip(written, [*written[1:], (float("inf"), "")], strict=True):
        delays: dict[int, float] = {}
        for connection, sent_at, turned_to in turns:
            if moment <= sent_at < until and turned_to == version:
                delays.setdefault(connection, sent_at - moment)
        first.append(min(delays.values(), default=float("inf")))
        last.append(max(delays.values(), default=float("inf")))
    return first, last


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[round(0.95 * (len(ordered) - 1))], 3),
        "max": round(ordered[-1], 3),
    }


def measure_harm() -> dict[str, object]:
    with open_namespace("harm") as namespace:
        add_script(namespace.kubectl)
        served, traffic = Weather(namespace, NAME), Traffic(namespace.kubectl)
        served.serve(_routed("1"))
        traffic.start("--url", f"http://{NAME}:81", "--dialect", "predict", "--rate", REQUESTS_PER_SECOND)
        traffic.count_after(HISTORY_SECONDS)
        failed, runs = [], []
        for run in range(RUNS):
            before = traffic.count()
            status = served.until_phase(served.roll_out(_routed(f"broken-{run}", failed_share=0.5)), "Rejected")
            served.until_no_version_is_left_but_stable()
            during = traffic.count_after(2).since(before)
            failed.append(during.failed)
            runs.append({"failed": during.failed, "requests": during.requests, "codes": during.codes})
            sys.stderr.write(f"{runs[-1]} {status['message']}\n")
            served.serve(_routed("1"))
    return {"median": statistics.median(failed), "runs": runs}


def measure_deletions() -> dict[str, object]:
    with open_namespace("deletions") as namespace:
        weather, traffic = Weather(namespace), Traffic(namespace.kubectl)
        weather.add_models()
        weather.serve(a_routed("1"))
        wait_until("the user Service leads to the routers", lambda: leads_to_routers(weather))
        traffic.start("--url", f"http://{weather.name}", "--rate", REQUESTS_PER_SECOND)
        lost: dict[str, object] = {}
        for name, how in (("with grace", ("--wait=false",)), ("by force", ("--force", "--grace-period=0"))):
            before = traffic.count()
            for _ in range(DELETIONS):
                namespace.kubectl.run("delete", "pod", router_pods(namespace.kubectl)[0], *how)
                traffic.count_after(DELETION_SECONDS)
            during = traffic.count().since(before)
            lost[name] = {"requests": during.requests, "codes": during.codes, "errors": during.errors}
    return lost


def _routed(version: str, failed_share: float = 0.0) -> Manifest:
    options = json.dumps({"failed_share": failed_share, "failed_code": 500})
    plan = {"size": 1, "analysis": {"metrics": [ANSWERS]}}
    return (
        own_server(version, replicas=2)
        .with_server(args=[options])
        .with_spec(traffic={"provider": "Router"}, rollout=plan)
    )


def main() -> None:
    measure = {"changes": lambda: asyncio.run(measure_changes()), "harm": measure_harm, "deletions": measure_deletions}[
        sys.argv[1]
    ]
    measured = {"load_average": os.getloadavg()[0], **measure()}
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
