"""What one pod made of one copy of a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """`json_bytes`: so many bytes of the body are JSON and tensors follow, in the way of the V2 binary extension."""

    status: int
    body: bytes
    json_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """`reason` is a sentence without its full stop."""

    reason: str
