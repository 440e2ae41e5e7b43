"""The phases of a Rollout and the only ways between them.

    Pending -> Preparing -> Preflight -> Analyzing -> Promoting -> Promoted
    (the first revision skips what lies between Preparing and Promoted; a plan may skip Preflight)
    every phase before the end -> Rejected | Aborted | Superseded; and, once it began, -> Failed

Every attempt ends in exactly one terminal phase and never leaves it. docs/architecture.md draws this table.
"""

from collections.abc import Mapping
from typing import Final

from serin.api.v1alpha1.rollout import Phase

TRANSITIONS: Final[Mapping[Phase, frozenset[Phase]]] = {
    "Pending": frozenset({"Preparing", "Rejected", "Aborted", "Superseded"}),
    "Preparing": frozenset(
        {"Preflight", "Analyzing", "Promoting", "Promoted", "Rejected", "Aborted", "Superseded", "Failed"}
    ),
    "Preflight": frozenset({"Analyzing", "Promoting", "Rejected", "Aborted", "Superseded", "Failed"}),
    "Analyzing": frozenset({"Promoting", "Rejected", "Aborted", "Superseded", "Failed"}),
    "Promoting": frozenset({"Promoted", "Rejected", "Aborted", "Superseded", "Failed"}),
    "Promoted": frozenset(),
    "Rejected": frozenset(),
    "Aborted": frozenset(),
    "Superseded": frozenset(),
    "Failed": frozenset(),
}

# Ends after which the same revision is not tried again by itself.
REMEMBERED: Final[frozenset[Phase]] = frozenset({"Rejected", "Failed", "Aborted"})


def is_terminal(phase: Phase | None) -> bool:
    return phase is not None and not TRANSITIONS[phase]


def check_transition(before: Phase, after: Phase) -> None:
    """A step that leaves the table is a bug, and must stop before it is written."""
    if after != before and after not in TRANSITIONS[before]:
        raise ValueError(f"a Rollout cannot go from {before} to {after}")
