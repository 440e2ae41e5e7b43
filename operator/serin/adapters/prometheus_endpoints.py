"""Of what routers count by endpoint the series of the pods that are asked for, under the name of their place. Pure.

An address may have been another pod's before: what was counted until a pod was made is not its own.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from serin.adapters.prometheus_batches import Series
from serin.adapters.prometheus_samples import InvalidAnswerError
from serin.core.evidence.places import place_at_router
from serin.core.facts import Endpoint

ENDPOINT_LABEL = "envoy_endpoint_address"


def select_endpoints(answer: Iterable[Series], endpoints: Sequence[Endpoint]) -> list[Series]:
    """Two pods with one address: the one that was made last has it, the other one has ended."""
    by_address = {endpoint.address: endpoint for endpoint in sorted(endpoints, key=lambda found: found.since_seconds)}
    found: list[Series] = []
    for series in answer:
        labels = series["metric"]
        endpoint = by_address.get(_host_of(labels.get(ENDPOINT_LABEL, "")))
        if endpoint is not None:
            place = place_at_router(endpoint.pod, labels["pod"])
            values = _since(series, endpoint.since_seconds)
            found.append({"metric": {**labels, "pod": place}, "values": values})
    return found


def _host_of(address: str) -> str:
    """Of 10.0.0.1:8080 or [fd00::1]:8080."""
    return address.rpartition(":")[0].strip("[]")


def _since(series: Series, since_seconds: float) -> list[Any]:
    try:
        return [sample for sample in series["values"] if float(sample[0]) >= since_seconds]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidAnswerError(f"a series without its samples: {str(series)[:200]}") from error
