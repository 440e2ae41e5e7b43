"""The phases of a Rollout and the only ways between them.

    Pending -> Preparing -> Preflight -> Analyzing <-> AwaitingApproval -> Promoting -> Baking -> Promoted
    (the first revision is Promoted when it is ready; a plan may skip Preflight, and Baking)
    (strategies without a comparison go from Preflight or the approval to Promoting; Recreate is approved first of all)
    every phase before the end -> Rejected | Aborted | Superseded; and, once it began, -> Failed
    a Rollout that is rejected while it bakes is RolledBack: users had it

Every attempt ends in exactly one terminal phase and never leaves it. docs/architecture.md draws this table.
"""

from collections.abc import Mapping
from typing import Final

from serin.api.v1alpha1.rollout import Phase

TRANSITIONS: Final[Mapping[Phase, frozenset[Phase]]] = {
    "Pending": frozenset({"Preparing", "AwaitingApproval", "Rejected", "Aborted", "Superseded"}),
    "Preparing": frozenset(
        {
            "Preflight",
            "Analyzing",
            "AwaitingApproval",
            "Promoting",
            "Promoted",
            "Rejected",
            "Aborted",
            "Superseded",
            "Failed",
        }
    ),
    "Preflight": frozenset(
        {"Analyzing", "AwaitingApproval", "Promoting", "Rejected", "Aborted", "Superseded", "Failed"}
    ),
    "Analyzing": frozenset({"AwaitingApproval", "Promoting", "Rejected", "Aborted", "Superseded", "Failed"}),
    "AwaitingApproval": frozenset(
        {"Preparing", "Analyzing", "Promoting", "Rejected", "Aborted", "Superseded", "Failed"}
    ),
    "Promoting": frozenset({"Baking", "Promoted", "Rejected", "Aborted", "Superseded", "Failed"}),
    "Baking": frozenset({"Promoted", "RolledBack", "Aborted", "Superseded"}),
    "Promoted": frozenset(),
    "Rejected": frozenset(),
    "RolledBack": frozenset(),
    "Aborted": frozenset(),
    "Superseded": frozenset(),
    "Failed": frozenset(),
}

# Ends after which the same revision is not tried again by itself.
REMEMBERED: Final[frozenset[Phase]] = frozenset({"Rejected", "RolledBack", "Failed", "Aborted"})

# While they last, canary and baseline are compared.
COMPARING: Final[frozenset[Phase]] = frozenset({"Analyzing", "AwaitingApproval"})


def is_terminal(phase: Phase | None) -> bool:
    return phase is not None and not TRANSITIONS[phase]


def check_transition(before: Phase, after: Phase) -> None:
    """A step that leaves the table is a bug, and must stop before it is written."""
    if after != before and after not in TRANSITIONS[before]:
        raise ValueError(f"a Rollout cannot go from {before} to {after}")
