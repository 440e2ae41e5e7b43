"""What can go wrong at the border, and how one reconcile can end.

Errors are raised by adapters and by the executor; each knows the outcome that it means when nobody handles it. The
outcomes are a closed set: each has a metric label, one log line and one rule for when to look again.
"""
# ruff: noqa: N818 (the names say what happened, as `except Conflict` reads)

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Outcome(StrEnum):
    """How one reconcile ended; the value is its metric label."""

    DONE = "done"
    REQUEUE_AFTER = "requeue_after"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"
    BUG = "bug"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]

    @property
    def is_success(self) -> bool:
        return self in (Outcome.DONE, Outcome.REQUEUE_AFTER)

    @property
    def needs_a_person(self) -> bool:
        return self in (Outcome.INVALID, Outcome.BUG)


_SENTENCES = {
    Outcome.DONE: "nothing to wait for",
    Outcome.REQUEUE_AFTER: "carried out, looking again later",
    Outcome.CONFLICT: "the cluster moved on meanwhile, looking again",
    Outcome.THROTTLED: "the API server asks to wait",
    Outcome.UNREACHABLE: "the API server cannot be reached",
    Outcome.INVALID: "the API server or another owner refuses the plan",
    Outcome.BUG: "failed by a bug in Serin",
}


class ClusterError(Exception):
    """A read or a write that did not happen, or whose reply was lost."""

    outcome: ClassVar[Outcome]


class Conflict(ClusterError):
    """What was decided on is no longer what is there."""

    outcome = Outcome.CONFLICT


class AlreadyExists(Conflict):
    """An object of that name has been created before."""


class NotFound(ClusterError):
    """`is_kind_known` False: the API server does not know the kind either."""

    outcome = Outcome.CONFLICT

    def __init__(self, message: str, *, is_kind_known: bool = True) -> None:
        super().__init__(message)
        self.is_kind_known = is_kind_known


class Throttled(ClusterError):
    """The API server asks to wait."""

    outcome = Outcome.THROTTLED

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Unreachable(ClusterError):
    """No answer, or a server in trouble. A write may have happened."""

    outcome = Outcome.UNREACHABLE


class Forbidden(ClusterError):
    """The operator lacks a permission; the message names it."""

    outcome = Outcome.INVALID


class Invalid(ClusterError):
    """The API server refuses the object; the message names the field, the executor adds which object it was."""

    outcome = Outcome.INVALID

    def __init__(self, message: str, kind: str = "", name: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name
        self.message = message


class NameTaken(ClusterError):
    """An object of the wanted name belongs to somebody else."""

    outcome = Outcome.INVALID

    def __init__(self, kind: str, name: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name
        self.message = message


@dataclass(frozen=True, slots=True)
class Ending:
    """How one reconcile ended and when to look again; `seconds` None: by the key's own backoff, or never when done."""

    outcome: Outcome
    seconds: float | None = None
    message: str = ""


def end_of(look_again_after_seconds: float | None) -> Ending:
    if look_again_after_seconds is None:
        return Ending(Outcome.DONE)
    return Ending(Outcome.REQUEUE_AFTER, look_again_after_seconds)


def end_of_error(error: Exception) -> Ending:
    match error:
        case Throttled():
            return Ending(error.outcome, error.retry_after_seconds, str(error))
        case ClusterError():
            return Ending(error.outcome, None, str(error))
        case _:
            return Ending(Outcome.BUG, None, f"{type(error).__name__}: {error}")
