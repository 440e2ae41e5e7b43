"""What was last seen of every object that Serin watches, for all reconciles together.

It is fed by watches, lists and the answers to our own writes, which race. Resource versions order them: they are
numbers that only grow, so the view of an object never goes back. What is gone is remembered twice over: by a
tombstone for a deletion that was seen, and by the version of the last whole list, which would have held the object.
Without that a late watch event of a deleted object would bring it back to life.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from serin.core.facts import Key
from serin.runtime.kinds import WATCHED, owner_key
from serin.runtime.ports import JsonObject, Listing, ObjectRef

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_OWN_ANNOTATIONS = "serin.dev/"

_POD_METADATA = (
    "name",
    "namespace",
    "uid",
    "labels",
    "creationTimestamp",
    "deletionTimestamp",
    "ownerReferences",
    "resourceVersion",
)
_POD_STATUS = (
    "containerStatuses",
    "initContainerStatuses",
    "conditions",
    "phase",
    "reason",
    "message",
    "podIP",
    "startTime",
)


def slim(kind: str, live: Mapping[str, Any]) -> JsonObject:
    """The object without what nobody reads: pods are many and big, managedFields is often half of an object."""
    metadata = live["metadata"]
    if kind == "Pod":
        containers = live.get("spec", {}).get("containers") or ()
        annotations = {
            name: text
            for name, text in (metadata.get("annotations") or {}).items()
            if name.startswith(_OWN_ANNOTATIONS)
        }
        return {
            "apiVersion": live.get("apiVersion", "v1"),
            "kind": kind,
            "metadata": {**_pick(metadata, _POD_METADATA), **({"annotations": annotations} if annotations else {})},
            "spec": {"containers": [_pick(container, ("name", "image")) for container in containers]},
            "status": _pick(live.get("status") or {}, _POD_STATUS),
        }
    kept = {name: value for name, value in metadata.items() if name != "managedFields"}
    if _LAST_APPLIED in (kept.get("annotations") or {}):
        kept["annotations"] = {name: value for name, value in kept["annotations"].items() if name != _LAST_APPLIED}
    return {**live, "metadata": kept}


class Cache:
    def __init__(self) -> None:
        self._views = {kind: _View(kind) for kind in WATCHED}

    def store(self, live: Mapping[str, Any]) -> bool:
        """Take in an object of a watch, a read or a write's answer; False when it is no news."""
        kind: str = live["kind"]
        return self._views[kind].store(slim(kind, live))

    def remove(self, live: Mapping[str, Any]) -> bool:
        """The object is gone, and was last seen like this; False when that is no news."""
        return self._views[live["kind"]].remove(live)

    def replace(self, kind: str, listing: Listing) -> Sequence[JsonObject]:
        """Take in a whole list: it adds, changes and drops. Returns what it changed: the objects now, or as they were.

        What was stored after the list was made stays.
        """
        objects = [slim(kind, live) for live in listing.objects]
        return self._views[kind].replace(objects, listing.resource_version)

    def get(self, ref: ObjectRef) -> JsonObject | None:
        """None is no proof of absence: the object may lack our labels, or be too new."""
        return self._views[ref.kind].objects.get((ref.namespace, ref.name))

    def owned(self, key: Key) -> Mapping[str, Sequence[JsonObject]]:
        """Per kind all that is this ModelDeployment's business, itself included, ordered by name."""
        return {kind: view.owned(key) for kind, view in self._views.items()}

    def all(self, kind: str) -> Sequence[JsonObject]:
        """A list of its own: other threads may ask, too."""
        return list(self._views[kind].objects.values())

    def model_deployments(self) -> Sequence[Key]:
        """Every ModelDeployment."""
        return [Key(*place) for place in self._views["ModelDeployment"].objects]

    def shared(self) -> Sequence[Key]:
        """Of every namespace in which ModelDeployments share something."""
        return sorted({key for view in self._views.values() for key in view.owners() if key.is_shared})

    @property
    def is_primed(self) -> bool:
        """Whether every kind has been listed once: before that, a missing child would be taken for an absent one."""
        return all(view.listed_at is not None for view in self._views.values())


_Place = tuple[str, str]


class _View:
    """All objects of one kind, by namespace and name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.objects: dict[_Place, JsonObject] = {}
        self.listed_at: int | None = None
        self._tombstones: dict[_Place, int] = {}
        self._by_owner: defaultdict[Key, set[_Place]] = defaultdict(set)

    def store(self, live: JsonObject) -> bool:
        place = _place(live)
        known = self.objects.get(place)
        if known is not None:
            is_news = _version(live) > _version(known)
        else:
            gone_at = max(self._tombstones.get(place, 0), self.listed_at or 0)
            is_news = _version(live) > gone_at
        if is_news:
            self._put(place, live)
        return is_news

    def remove(self, live: Mapping[str, Any]) -> bool:
        place = _place(live)
        known = self.objects.get(place)
        if known is not None and _version(known) > _version(live):
            return False  # a late word: the object has been made again, or has its labels back
        self._tombstones[place] = max(self._tombstones.get(place, 0), _version(live))
        if known is not None:
            self._drop(place)
        return known is not None

    def replace(self, objects: Sequence[JsonObject], listed_at: int) -> Sequence[JsonObject]:
        # An empty floor while storing: an unchanged object that the last list did not hold, because it got its labels
        # back meanwhile, must be taken in.
        self.listed_at = None
        changed = [live for live in objects if self.store(live)]
        listed = {_place(live) for live in objects}
        for place, known in list(self.objects.items()):
            # At 0: the cluster does not know the kind any more.
            if place not in listed and (_version(known) <= listed_at or not listed_at):
                self._drop(place)
                changed.append(known)
        self.listed_at = listed_at
        self._tombstones = {place: version for place, version in self._tombstones.items() if version > listed_at}
        return changed

    def owned(self, key: Key) -> Sequence[JsonObject]:
        return [self.objects[place] for place in sorted(self._by_owner.get(key, ()))]

    def owners(self) -> Sequence[Key]:
        return list(self._by_owner)

    def _put(self, place: _Place, live: JsonObject) -> None:
        if place in self.objects:
            self._drop(place)
        self.objects[place] = live
        self._tombstones.pop(place, None)
        owner = owner_key(self.kind, live)
        if owner is not None:
            self._by_owner[owner].add(place)

    def _drop(self, place: _Place) -> None:
        owner = owner_key(self.kind, self.objects.pop(place))
        if owner is not None:
            places = self._by_owner[owner]
            places.discard(place)
            if not places:
                del self._by_owner[owner]


def _pick(source: Mapping[str, Any], names: Sequence[str]) -> JsonObject:
    return {name: source[name] for name in names if name in source}


def _place(live: Mapping[str, Any]) -> _Place:
    return live["metadata"]["namespace"], live["metadata"]["name"]


def _version(live: Mapping[str, Any]) -> int:
    return int(live["metadata"]["resourceVersion"])
