"""Where a live object differs from the manifest that was applied to it, as far as the manifest says anything.

The API server fills in defaults and spells some values its own way, so live is never equal to the manifest: fields
that the manifest does not name do not count, what is empty equals what is left out, `1000m` of CPU equals `1`, and
list entries with names are compared by name. What the API server spells in yet another way shows up as a deviation;
the executor learns from the answer to its own write that this one is no work.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from serin.api.quantity import parse_quantity

_QUANTITY_FIELDS = frozenset({"requests", "limits", "sizeLimit", "divisor"})

# The API server merges these as a whole: what somebody added is a deviation too, and applying removes it. One more key
# in the selector of a Service can take all pods from it, one more backend of a route can take its requests.
_WHOLE_FIELDS = frozenset({"selector", "nodeSelector", "backendRefs", "parentRefs"})


def find_deviations(desired: Any, live: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """By path, the live values that are not as desired."""
    if _is_mapping(desired) and _is_mapping(live):
        if _WHOLE_FIELDS.intersection(path[-1:]) and live.keys() - desired.keys():
            return {path: live}
        return _collect((value, live.get(name), (*path, name)) for name, value in desired.items())
    if _is_list(desired) and _is_list(live):
        if _WHOLE_FIELDS.intersection(path[-1:]) and len(desired) != len(live):
            return {path: live}
        if _all_named(desired) and _all_named(live):
            by_name = {item["name"]: item for item in live}
            return _collect((item, by_name.get(item["name"]), (*path, item["name"])) for item in desired)
        if len(desired) == len(live):
            pairs = zip(desired, live, strict=True)
            return _collect((wanted, found, (*path, str(index))) for index, (wanted, found) in enumerate(pairs))
    return {} if _is_same(desired, live, path) else {path: live}


def _collect(comparisons: Any) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for desired, live, path in comparisons:
        found.update(find_deviations(desired, live, path))
    return found


def _is_same(desired: Any, live: Any, path: tuple[str, ...]) -> bool:
    if live is None:
        return _is_empty(desired)
    if desired == live and isinstance(desired, bool) == isinstance(live, bool):
        return True
    if _QUANTITY_FIELDS.intersection(path):
        quantity = parse_quantity(desired)
        return quantity is not None and quantity == parse_quantity(live)
    return False


def _is_empty(desired: Any) -> bool:
    """Whether the API server leaves this out of what it stores: zero values, and mappings that hold nothing else."""
    if _is_mapping(desired):
        return all(_is_empty(value) for value in desired.values())
    return not desired


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _all_named(items: Sequence[Any]) -> bool:
    return bool(items) and all(_is_mapping(item) and "name" in item for item in items)
