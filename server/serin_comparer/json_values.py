"""The first difference of two JSON documents. Without recursion: a hostile document may be as deep as it likes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

_SHOWN: Final = 80
"""Characters of a value in an example."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`tolerance` is absolute and relative at once. `versions` are the names of the baseline's and the canary's own."""

    tolerance: float = 1e-3
    ignored: frozenset[str] = frozenset()
    versions: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Difference:
    """`is_type`: a program that reads the one cannot read the other, whatever the values are."""

    is_type: bool
    place: str
    baseline: str
    canary: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A name or a position within another place; spelled out only for the one difference that is told."""

    part: str | int
    within: _Place | None

    def spell(self) -> str:
        parts: list[str] = []
        place: _Place | None = self
        while place is not None:
            parts.append(f"[{place.part}]" if isinstance(place.part, int) else f".{place.part}")
            place = place.within
        return "".join(reversed(parts)).removeprefix(".")[:_SHOWN]


_Pair = tuple[_Place | None, Any, Any]


def find_difference(baseline: Any, canary: Any, rules: Rules) -> Difference | None:
    """None when they agree. A difference of types goes before one of values."""
    first: Difference | None = None
    pairs: list[_Pair] = [(None, baseline, canary)]
    while pairs:
        place, one, other = pairs.pop()
        found = _compare(place, one, other, rules)
        if isinstance(found, Difference):
            if found.is_type:
                return found
            first = first or found
        elif found is not None:
            pairs.extend(reversed(tuple(found)))  # the first of them comes first
    return first


def _compare(place: _Place | None, one: Any, other: Any, rules: Rules) -> Difference | Iterator[_Pair] | None:
    """The difference here, the pairs within that are still to be looked at, or None when nothing is left."""
    kind = _kind(one)
    if kind != _kind(other):
        return _differ(place, one, other, is_type=True)
    if kind == "object":
        return _compare_objects(place, one, other, rules)
    if kind == "array":
        return _compare_arrays(place, one, other, rules)
    if kind == "number":
        agree = _numbers_agree(one, other, rules.tolerance)
    else:
        agree = one == other or (one, other) == rules.versions
    return None if agree else _differ(place, one, other)


def _compare_objects(
    place: _Place | None, one: dict[str, Any], other: dict[str, Any], rules: Rules
) -> Difference | Iterator[_Pair]:
    for name in one.keys() ^ other.keys():
        if name not in rules.ignored:
            sides = ("there" if name in one else "missing", "there" if name in other else "missing")
            return Difference(True, _Place(name, place).spell(), *sides)
    names = (name for name in one if name not in rules.ignored)
    return ((_Place(name, place), one[name], other[name]) for name in names)


def _compare_arrays(
    place: _Place | None, one: list[Any], other: list[Any], rules: Rules
) -> Difference | Iterator[_Pair] | None:
    if len(one) != len(other):
        return Difference(False, _spell(place), f"{len(one)} elements", f"{len(other)} elements")
    types = {*map(type, one), *map(type, other)}
    if types in ({int}, {bool}) and one == other:
        return None
    if types == {float}:
        differing = _find_differing(one, other, rules.tolerance)
        if differing is None:
            return None
        return _differ(_Place(differing, place), one[differing], other[differing])
    return ((_Place(index, place), a, b) for index, (a, b) in enumerate(zip(one, other, strict=True)))


def _find_differing(one: list[float], other: list[float], tolerance: float) -> int | None:
    """Position of the first pair beyond the tolerance: the rule of `_numbers_agree` for a million numbers at once."""
    a, b = np.array(one), np.array(other)
    with np.errstate(all="ignore"):
        is_close = np.abs(a - b) <= tolerance * (1 + np.maximum(np.abs(a), np.abs(b)))
    agree = (a == b) | (np.isnan(a) & np.isnan(b)) | (is_close & np.isfinite(a) & np.isfinite(b))
    return None if agree.all() else int(np.argmin(agree))


def _numbers_agree(one: float, other: float, tolerance: float) -> bool:
    """Whole numbers are classes, counts and ids, of which a neighbour is another one."""
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    try:
        a, b = float(one), float(other)
    except OverflowError:
        return False
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= tolerance * (1 + max(abs(a), abs(b)))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "object" if isinstance(value, dict) else "array"


def _differ(place: _Place | None, one: Any, other: Any, *, is_type: bool = False) -> Difference:
    return Difference(is_type, _spell(place), _show(one), _show(other))


def _spell(place: _Place | None) -> str:
    return place.spell() if place else "body"


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{_kind(value)} of {len(value)}"
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return f"number of more than {_SHOWN} digits"  # Python refuses to spell very large ones
    return f"{_kind(value)} {value!r}"[:_SHOWN]
