"""What a router gets that several models share: the largest of what each of them asks for, of CPU and of memory.

No limit where one of them has none, and never a limit below what is requested: what each asks for by itself would be
granted, so what comes out of it is, too.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from serin.api.quantity import parse_quantity

Resources = Mapping[str, Any]


def find_largest(asked: Sequence[Resources]) -> dict[str, dict[str, Any]]:
    requests = [one.get("requests") or {} for one in asked]
    limits = [one.get("limits") or {} for one in asked]
    largest = {name: _largest(name, requests) for name in sorted({name for one in requests for name in one})}
    shared = sorted({name for name in limits[0] if all(name in one for one in limits)})
    bounds = {name: _largest(name, [*limits, largest]) for name in shared}
    return {section: found for section, found in (("requests", largest), ("limits", bounds)) if found}


def _largest(name: str, sections: Sequence[Mapping[str, Any]]) -> Any:
    return max((section[name] for section in sections if name in section), key=_amount)


def _amount(text: Any) -> Decimal:
    return parse_quantity(text) or Decimal(0)
