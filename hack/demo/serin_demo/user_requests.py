"""What users got, read from the lines that the load generator prints (load.py tells their form)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class UserRequests:
    """Counts since the generator began, or between two moments. `run` tells one start of the generator from the next;
    between two moments of different runs nothing is known, and `run` is empty."""

    requests: int = 0
    failed: int = 0
    run: str = ""
    p99_ms: float | None = None

    def since(self, earlier: "UserRequests") -> "UserRequests":
        if self.run != earlier.run:
            return UserRequests()
        return UserRequests(self.requests - earlier.requests, self.failed - earlier.failed, self.run, self.p99_ms)

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.requests if self.requests else 0.0


def parse_user_requests(lines: Iterable[str]) -> UserRequests | None:
    """The newest counts. None while it still waits for its first success, or has not printed anything.

    A line can be cut where the log is read while it is written: such a line is passed over.
    """
    for line in reversed(list(lines)):
        try:
            counts = json.loads(line)
        except ValueError:
            continue
        if isinstance(counts, dict) and "requests" in counts:
            return UserRequests(counts["requests"], counts["failed"], counts["run"], counts["p99_ms"])
        return None
    return None
