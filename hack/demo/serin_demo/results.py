"""How a rollout went and whether that was right: the verdict, what users noticed, which pods were restarted."""

from dataclasses import dataclass

from serin_demo.cluster_objects import Pod
from serin_demo.user_requests import UserRequests


@dataclass(frozen=True)
class Result:
    """One rollout, from the change of the spec until only stable pods were left, and the moments after it."""

    version: str
    phase: str
    sentence: str
    took_seconds: float
    during: UserRequests
    afterwards: UserRequests
    judged: frozenset[Pod]
    serving: frozenset[Pod]


def find_faults(result: Result) -> list[str]:
    """What a good operator would not have done, as sentences. Empty when all went right."""
    if not (result.during.requests and result.afterwards.requests):
        # Without counts every other judgement on users would be a guess.
        return ["the load generator was restarted or stood still: what users got is unknown"]
    faults = []
    if result.phase == "Promoted" and result.during.failed:
        faults.append(f"{result.during.failed} user requests failed while a good version was promoted, expected none")
    if result.phase == "Promoted":
        faults += find_restarts(result)
    if result.phase == "Rejected" and not result.during.failed:
        faults.append("no user request met the broken version: it was rejected without evidence from traffic")
    if result.afterwards.failed:
        faults.append(f"{result.afterwards.failed} user requests failed after the rollout was over, expected none")
    return faults


def find_restarts(result: Result) -> list[str]:
    """Pods that were judged and do not serve on just as they were."""
    if not result.judged:
        return ["no pod was seen on trial: the rollout was promoted without an analysis"]
    restarts = {pod.uid: pod.restarts for pod in result.serving}
    faults = []
    for pod in result.judged:
        if pod.uid not in restarts:
            faults.append(f"pod {pod.uid} was judged and does not serve: promotion replaced it")
        elif restarts[pod.uid] != pod.restarts:
            faults.append(f"pod {pod.uid} restarted its container in the promotion")
    return faults


def render_result(result: Result) -> list[str]:
    lines = [
        f"Version {result.version}: {result.phase} after {render_seconds(result.took_seconds)}",
        f"  {result.sentence}",
        f"  Users meanwhile: {render_counts(result.during)}; afterwards: {render_counts(result.afterwards)}.",
    ]
    if result.phase == "Promoted":
        kept = len({pod.uid for pod in result.judged} & {pod.uid for pod in result.serving})
        lines.append(f"  {kept} of {len(result.judged)} judged pods serve on under the same UID.")
    return lines + [f"  WRONG: {fault}" for fault in find_faults(result)]


def render_counts(users: UserRequests) -> str:
    share = f" ({users.failed_percent:.2f} %)" if users.failed else ""
    return f"{users.requests:,} requests, {users.failed:,} failed{share}"


def render_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
