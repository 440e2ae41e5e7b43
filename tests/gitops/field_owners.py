"""Who owns which field of an object, by its managedFields: two owners of one field would write over each other."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from cluster.kubectl import Json, Kubectl


def read_owners(kubectl: Kubectl, resource: str, name: str) -> dict[str, set[str]]:
    """Manager -> paths of the fields that it has set."""
    found = kubectl.read("get", resource, name, "--show-managed-fields")
    owners: dict[str, set[str]] = {}
    for entry in found["metadata"]["managedFields"]:
        owners.setdefault(entry["manager"], set()).update(_paths(entry["fieldsV1"]))
    return owners


def find_shared(owners: Mapping[str, set[str]]) -> list[str]:
    """Sentences, one per field of two managers."""
    return [
        f"{field} is set by {one} and by {other}"
        for one, other in combinations(sorted(owners), 2)
        for field in sorted(owners[one] & owners[other])
    ]


def _paths(fields: Json, prefix: str = "") -> Iterator[str]:
    for name, below in fields.items():
        if name == ".":
            continue
        path = f"{prefix}/{name.removeprefix('f:')}"
        if below:
            yield from _paths(below, path)
        else:
            yield path
