"""What one interval saw: requests and failures per track."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Requests and how many of them failed; 0 <= failures <= requests. Floats, because Prometheus counters are."""

    requests: float = 0.0
    failures: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.requests) and self.requests >= 0):
            raise ValueError(f"requests is {self.requests}, expected a finite number of at least 0")
        if not 0 <= self.failures <= self.requests:
            raise ValueError(f"failures is {self.failures}, expected a number from 0 to requests ({self.requests})")

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.requests + other.requests, self.failures + other.failures)

    @property
    def failure_rate(self) -> float:
        """Share of failed requests, 0..1; 0 without requests."""
        return self.failures / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class StableHalves:
    """One interval of the stable pods, split into two fixed halves: they differ by chance alone."""

    first: Counts
    second: Counts


@dataclass(frozen=True)
class Increments:
    """What happened on each track since the interval before, and the time that this covers."""

    stable: Counts
    baseline: Counts
    canary: Counts
    seconds: float
    stable_halves: StableHalves | None = None  # None when there are not two stable pods to compare
    is_symmetric: bool = True  # baseline and canary had equally many pods, hence the same share of the requests

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError(f"seconds is {self.seconds}, expected a finite number of at least 0")

    @property
    def is_compared(self) -> bool:
        """Both variants had traffic; only then has the interval anything to say about their difference."""
        return self.baseline.requests > 0 and self.canary.requests > 0
