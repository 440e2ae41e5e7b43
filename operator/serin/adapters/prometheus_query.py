"""A selector of the plan, narrowed to some pods: the text of a query. Pure."""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

_SELECTOR = re.compile(r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*", re.DOTALL)


class PodName(NamedTuple):
    namespace: str
    name: str


class InvalidSelectorError(ValueError):
    """A counter of the plan that is no selector; names it."""


def narrow_selector(selector: str, matcher: str = "") -> str:
    """`selector` with one more matcher, in one spelling: equal selectors become the same text.

    InvalidSelectorError for anything but a selector.
    """
    match = _SELECTOR.fullmatch(selector)
    if match is None or not (match["name"] or match["matchers"]):
        raise InvalidSelectorError(f"metric {selector!r}: expected a counter such as http_requests_total{{code='500'}}")
    matchers = filter(None, ((match["matchers"] or "").strip().rstrip(",").strip(), matcher))
    return f"{match['name'] or ''}{{{','.join(matchers)}}}"


def make_query(selector: str, pods: Collection[PodName], window: str) -> str:
    """A narrowed `selector` for these pods only; `window` such as [30s] asks for the samples in it, "" for the value.

    Pods of several namespaces are asked for together: what they have in common is sorted out in the answer.
    """
    namespaces = _one_of({pod.namespace for pod in pods})
    names = _one_of({pod.name for pod in pods})
    inside = selector[selector.index("{") + 1 : -1]
    ours = f'namespace=~"{namespaces}",pod=~"{names}"'
    return f"{selector[: selector.index('{')]}{{{inside + ',' if inside else ''}{ours}}}{window}"


def _one_of(names: Iterable[str]) -> str:
    """Of Kubernetes names. No more than the dot is escaped: Prometheus looks plain names up in its index."""
    return "|".join(sorted(names)).replace(".", "\\\\.")
