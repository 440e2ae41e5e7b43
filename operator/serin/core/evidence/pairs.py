"""The e-value of one interval from symmetry alone: baseline and canary as an exchangeable pair.

If the canary is as good as the baseline, swapping the two changes nothing, however strongly the failures inside the
interval hang together: a burst hits one as likely as the other. So a bet on a score that changes its sign with the
swap is fair. This holds only while both have the same number of pods and the same share of the requests. Intervals
that depend on one another are the remaining danger; the serial dispersion tempers it.
"""

import math

from serin.core.evidence.counts import Counts

STAKES = (0.1, 0.25, 0.5, 0.75, 0.95)  # share of the wealth that is bet; no rate has to be guessed
WEIGHTS = (1 / len(STAKES),) * len(STAKES)
DEVIATIONS_TO_CLIP = 1.5  # a single interval cannot win more than one of a moderate burst


def score(baseline: Counts, canary: Counts) -> float:
    """How far the canary's share of the failures is above its share of the requests, from -1 to 1; 0 without any."""
    failures, requests = baseline.failures + canary.failures, baseline.requests + canary.requests
    if failures == 0 or baseline.requests == 0 or canary.requests == 0:
        return 0.0
    share = canary.requests / requests
    deviation = (canary.failures - share * failures) / math.sqrt(failures * share * (1 - share))
    return min(max(deviation / DEVIATIONS_TO_CLIP, -1.0), 1.0)


def log_e_values(baseline: Counts, canary: Counts, serial_dispersion: float) -> tuple[float, ...]:
    """Natural logarithms of the e-values, in the order of STAKES; mean of each e-value <= 1 by symmetry."""
    psi = score(baseline, canary)
    return tuple(math.log1p(stake * psi) / serial_dispersion for stake in STAKES)
