"""Which latencies a comparison asks about.

Quantiles of a histogram are guesses inside a bucket; "slower than this bound of a bucket" is a plain count, and so the
same test judges it as judges failures. The bounds are chosen from the stable pods before anything is judged, for a
choice made on what is judged would void the error bounds.
"""

import math
from collections.abc import Mapping

QUANTILES = (0.5, 0.9, 0.99)


def choose_bounds(slower: Mapping[float, float], total: float) -> tuple[float, ...]:
    """Up to three bounds, nearest to the median, the 90th and the 99th percentile; none without requests.

    `slower` gives for each bound of the histogram, in seconds, how many of the `total` requests took longer.
    """
    finite = sorted(bound for bound in slower if math.isfinite(bound))
    if total <= 0 or not finite:
        return ()

    def distance(bound: float, quantile: float) -> tuple[float, float]:
        # Of two equally near ones the lower: the upper may be one that nothing ever reaches.
        return abs(1 - slower[bound] / total - quantile), bound

    return tuple(sorted({min(finite, key=lambda bound: distance(bound, quantile)) for quantile in QUANTILES}))
