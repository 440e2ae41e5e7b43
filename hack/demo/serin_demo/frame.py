"""One picture of a rollout as lines of text, and the one line that stands for it where nothing can be redrawn."""

from serin_demo.cluster_objects import Attempt, Objects, Variant
from serin_demo.results import render_counts, render_seconds
from serin_demo.user_requests import UserRequests

BAR_CELLS = 20


def render_frame(
    title: str, elapsed_seconds: float, objects: Objects, users: UserRequests | None, note: str, after: int
) -> list[str]:
    """`after`: the number of the last Rollout that is not of this stage."""
    attempt = objects.newest_attempt(after)
    phase = attempt.phase if attempt else (objects.deployment.phase if objects.deployment else "")
    lines = [f"{title} · {phase or 'Waiting'} · {render_seconds(elapsed_seconds)}"]
    if attempt and any(variant.version for variant in attempt.variants):
        evidence = ["", *render_evidence(attempt)] if attempt.verdict else []
        lines += ["", *render_variants(attempt), *evidence]
    lines += [f"  {'users':<9} {render_users(users)}", f"  {note}"]
    return lines


def render_variants(attempt: Attempt) -> list[str]:
    header = f"  {'':<9} {'version':<8} {'pods':>6} {'share':>7} {'requests':>9} {'failed':>7}"
    return [header, *(render_variant(variant) for variant in attempt.variants if variant.version)]


def render_variant(variant: Variant) -> str:
    pods = f"{variant.ready_replicas}/{variant.replicas}"
    requests = "" if variant.requests is None else f"{variant.requests:,}"
    failures = "" if variant.failures is None else f"{variant.failures:,}"
    share = "" if variant.share_percent is None else f"{variant.share_percent:.0f} %"
    return f"  {variant.name:<9} {variant.version:<8} {pods:>6} {share:>7} {requests:>9} {failures:>7}".rstrip()


def render_evidence(attempt: Attempt) -> list[str]:
    eta = f"   about {attempt.eta} to go" if attempt.eta and not attempt.is_finished else ""
    return [
        f"  {'good':<9} {render_bar(attempt.good)} {attempt.good or '0%':>5}{eta}",
        f"  {'bad':<9} {render_bar(attempt.bad)} {attempt.bad or '0%':>5}",
    ]


def render_bar(percent: str) -> str:
    """`60%` as 12 of 20 filled cells; what is no number is an empty bar."""
    digits = percent.strip().removesuffix("%").strip()
    share = min(100.0, max(0.0, float(digits))) if digits.replace(".", "", 1).isdigit() else 0.0
    filled = round(BAR_CELLS * share / 100)
    return "█" * filled + "░" * (BAR_CELLS - filled)


def render_users(users: UserRequests | None) -> str:
    if users is None:
        return "no request answered yet"
    latency = "" if users.p99_ms is None else f", p99 {users.p99_ms:.1f} ms"
    return f"{render_counts(users)}{latency}"


def render_line(title: str, objects: Objects, users: UserRequests | None, note: str, after: int) -> str:
    """The state without anything that changes by itself, such as time: a new text is news."""
    attempt = objects.newest_attempt(after)
    if attempt is None:
        return f"{title} · {note}"
    canary = attempt.variant("canary")
    share = f" · canary {canary.share_percent:.0f} %" if canary and canary.share_percent else ""
    evidence = f" · good {attempt.good} bad {attempt.bad}" if attempt.phase == "Analyzing" else ""
    return f"{title} · {attempt.phase}{share}{evidence} · {render_users(users)} · {note}"
