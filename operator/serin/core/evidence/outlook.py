"""How many requests, and how long, an equal canary still needs until it is promoted."""

import math
from dataclasses import dataclass

from serin.core.evidence.likelihood import Rates, divergence, nearest_null


@dataclass(frozen=True)
class Outlook:
    """Requests that each variant still needs, and seconds at the pace seen so far; None while the pace is unknown."""

    requests_needed: int
    eta_seconds: float | None


def requests_to_promote(base_rate: float, margin: float, log_threshold: float, dispersion: float) -> float:
    """Requests per variant after which an equal canary is expected to be promoted.

    dispersion * log_threshold / (KL(q||x) + KL(q||x + margin)): the threshold divided by the evidence that one request
    to each variant adds on average. Rates as fractions, evidence in nats.
    """
    null = nearest_null(1.0, 1.0, Rates(base_rate, base_rate), margin)
    growth = divergence(base_rate, null.baseline) + divergence(base_rate, null.canary)
    return dispersion * log_threshold / growth


def decide_outlook(
    whole_way_requests: float, progress: float, requests_seen: float, observed_seconds: float
) -> Outlook:
    """What is left of the way. `progress` is ln E_good / ln threshold: 1 has arrived, negative has lost ground.

    `requests_seen` per variant in `observed_seconds` give the pace; times without traffic must be part of it.
    """
    left = whole_way_requests * max(0.0, 1.0 - progress)
    eta_seconds = left * observed_seconds / requests_seen if requests_seen > 0 and observed_seconds > 0 else None
    return Outlook(requests_needed=math.ceil(left), eta_seconds=eta_seconds)
