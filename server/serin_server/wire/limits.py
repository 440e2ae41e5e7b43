"""How much and how long a peer may take. Sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    max_head_bytes: int = 16 * 1024
    """Request line and headers together; node, nginx and h11 stop at the same order of size."""
    max_body_bytes: int = 16 * 1024 * 1024
    """One 3 x 224 x 224 image is 1.6 MB as JSON, so ten of them fit."""
    idle_seconds: float = 75.0
    """Longer than the 60 s after which common load balancers drop an idle connection: they must be the first."""
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    write_seconds: float = 30.0
    """How long a peer may leave an answer unread before the connection is cut."""
    linger_seconds: float = 2.0
    """How long input is thrown away after the last answer. Closing with unread input makes the kernel send a reset,
    and the reset can overtake the answer."""
