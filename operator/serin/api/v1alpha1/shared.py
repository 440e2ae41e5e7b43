"""What both kinds are built from: the base of every schema, validation rules, durations, conditions.

A model of this package is the single source of its part of the CRD: types, bounds and defaults become the
structural schema, `RULES` become CEL rules that the API server enforces. Field names are snake_case here and
camelCase on the wire.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "serin.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule of the CRD; `message` tells what was expected and why."""

    expression: str
    message: str


class Schema(BaseModel):
    """Base of all API models. Unknown fields are ignored, so that objects written by a newer Serin still load."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore", validate_default=True
    )
    RULES: ClassVar[tuple[Rule, ...]] = ()

    def to_wire(self) -> dict[str, Any]:
        """The object as JSON data for the API server: camelCase, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def to_written(self) -> dict[str, Any]:
        """Only what differs from today's defaults: the same for `replicas: 1` written out and left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)


# A part of a pod that Serin hands on without a look inside; the API server validates it in the Deployment.
Opaque = dict[str, Any]
OpaqueList = Annotated[tuple[Opaque, ...], Field(max_length=64)]

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION_PATTERN = r"^([0-9]{1,5}(ms|s|m|h))+$"  # at most 5 digits: more could overflow the durations of CEL
Duration = Annotated[
    str,
    Field(
        pattern=DURATION_PATTERN,
        max_length=32,
        description="A length of time such as 10s, 5m or 1h30m.",
    ),
]


@lru_cache(maxsize=1024)  # a decision reads some dozen
def count_pods(amount: int | str, replicas: int) -> int:
    """A number of pods, or a share of the replicas such as 25%, rounded up."""
    return amount if isinstance(amount, int) else math.ceil(int(amount.removesuffix("%")) * replicas / 100)


def duration_seconds(text: str) -> float:
    """Seconds of a `Duration`. The schema has checked the form, so a malformed text is a bug: ValueError."""
    parts = re.findall(r"([0-9]+)(ms|s|m|h)", text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        raise ValueError(f"duration {text!r}: expected numbers with units ms, s, m or h, such as 90s or 1h30m")
    return sum(int(number) * _DURATION_UNITS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """`210` -> `3m30s`: whole seconds, at most two units, as people read it."""
    total = max(0, round(seconds))
    hours, minutes, rest = total // 3600, total % 3600 // 60, total % 60
    if hours:
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    return f"{rest}s"


class Condition(Schema):
    """A standard Kubernetes condition (`metav1.Condition`)."""

    type: Annotated[str, Field(max_length=63, description="Names the condition; one entry per type.")]
    status: Annotated[Literal["True", "False", "Unknown"], Field(description="Whether it holds.")]
    reason: Annotated[str, Field(max_length=64, description="Why, as one word for programs.")]
    message: Annotated[str, Field(max_length=4096, description="Why, as a sentence for people.")] = ""
    last_transition_time: Annotated[datetime, Field(description="When `status` last changed.")]
    observed_generation: Annotated[int | None, Field(description="The generation of the spec that it tells of.")] = None


# Keyed by type, so that a writer of one condition does not own the others.
Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        description="Ready always; the others while they have something to say.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
