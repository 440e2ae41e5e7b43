"""From Prometheus's histograms to readings of "slower than a bound". Pure.

Classic histograms are counters with a label `le`, cumulative; native ones come as whole histograms whose buckets are
not. Both become, per bound and pod, how many requests there were and how many of them took longer.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from serin.adapters.prometheus_samples import InvalidAnswerError, of_one_scrape, samples
from serin.core.evidence.counters import Reading

# Bounds of native buckets are powers of a root of 2: the same one is not written the same everywhere.
_SAME = 1e-9


def read_buckets(answer: Any, unit_seconds: float = 1.0) -> Mapping[float, Mapping[str, tuple[Reading, ...]]]:
    """All usable readings by bound in seconds and pod, in the order of time. The histogram's bounds are in units."""
    answer = of_one_scrape(answer)
    native = [series for series in answer if isinstance(series, dict) and "histograms" in series]
    within = _read_native(native) if native else _read_classic(answer)
    readings: defaultdict[float, dict[str, tuple[Reading, ...]]] = defaultdict(dict)
    for pod, moments in within.items():
        for bound in {bound for counts in moments.values() for bound in counts if math.isfinite(bound)}:
            found = tuple(
                Reading(at, counts[math.inf], max(0.0, counts[math.inf] - counts[bound]))
                for at, counts in sorted(moments.items())
                if math.inf in counts and bound in counts
            )
            usable = tuple(reading for reading in found if reading.is_usable)
            if usable:
                readings[bound][pod] = usable
    return {float(f"{bound * unit_seconds:.12g}"): by_pod for bound, by_pod in readings.items()}


def is_one_of(bound: float, bounds: Iterable[float]) -> bool:
    return any(math.isclose(bound, wanted, rel_tol=_SAME) for wanted in bounds)


def make_bound_matcher(bounds: Iterable[float], unit_seconds: float = 1.0) -> str:
    """PromQL for classic buckets of these bounds in seconds and the one that has all; "" for all bounds.

    Native histograms have no label `le`, and an empty one lets them pass.
    """
    if not bounds:
        return ""
    # Go writes 1, Python 1.0.
    in_units = [float(f"{bound / unit_seconds:.12g}") for bound in bounds]
    written = sorted({text for bound in in_units for text in (f"{bound:.12g}", repr(bound))})
    return 'le=~"' + "|".join((*(text.replace(".", "\\\\.") for text in written), "\\\\+Inf", "")) + '"'


_Within = Mapping[str, Mapping[float, Mapping[float, float]]]
"""By pod, moment and bound: requests that took no longer. The bound of infinity has them all."""


def _read_classic(answer: Sequence[Any]) -> _Within:
    within: defaultdict[str, defaultdict[float, defaultdict[float, float]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(float))
    )
    for pod, labels, at, value in samples(answer):
        try:
            within[pod][at][float(labels["le"])] += value
        except (KeyError, ValueError) as error:
            raise InvalidAnswerError(f"a series whose label le is no number, {dict(labels)}") from error
    return within


def _read_native(answer: Iterable[Any]) -> _Within:
    """A bucket that reaches over a bound counts as slower: the same for both variants, and never flattering."""
    counted: defaultdict[str, defaultdict[float, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for series in answer:
        try:
            pod = series["metric"].get("pod")
            for at, histogram in series["histograms"] if pod else ():
                buckets = [(float(upper), float(count)) for _, _, upper, count in histogram.get("buckets", ())]
                rest = float(histogram["count"]) - sum(count for _, count in buckets)
                counted[pod][float(at)] += [*buckets, (math.inf, rest)]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidAnswerError(f"a native histogram without its buckets: {str(series)[:200]}") from error
    within: dict[str, dict[float, dict[float, float]]] = {}
    for pod, moments in counted.items():
        bounds = {upper for buckets in moments.values() for upper, _ in buckets}
        within[pod] = {
            at: {bound: sum(n for upper, n in buckets if upper <= bound * (1 + _SAME)) for bound in bounds}
            for at, buckets in moments.items()
        }
    return within
