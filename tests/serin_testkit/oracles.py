"""The checks that hold for every story, whatever it is about. docs/testing.md numbers them.

1. `take_end_state`: a disturbed run ends as the undisturbed one, having made and deleted the same objects.
2. `check_stays`: what has settled stays; looking again writes nothing.
3. `take_serving_state`: A -> B -> A serves as A.
4. `find_outages`: users are served in full at every moment, but while strategy Recreate replaces their pods.
5. `status_contract.find_breaches`.
6. `take_verdicts`: the evidence goes on over a restart, to the same verdict at the same moment.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from serin_testkit.cluster_user import Json
from serin_testkit.history import Place, Seen
from serin_testkit.world import World, is_ready, select_ready_pods

RESYNCS = 2

_RANDOM_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace", "generateName")
_GIVEN_BY_SERVER = ("clusterIP", "clusterIPs", "nodePort")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
_POD_NAME = re.compile(r"(-[0-9a-f]{8}(?:-baseline)?)-[a-z0-9]{6,10}-[a-z0-9]{5}\b")


# 1. The same end.


def take_end_state(world: World) -> dict[str, Any]:
    """What is there now, and which objects were made and deleted on the way; without what chance gives."""
    objects = {
        f"{kind} {name}": _mask(_without_namespace(found, world.user.namespace))
        for (kind, name), found in world.history.objects.items()
        if kind != "Pod"
    }
    pods = Counter(f"{_pods_of(pod)}, ready: {is_ready(pod)}" for pod in world.pods())
    events = Counter(
        f"{event.change} {_pods_of(event.object) if event.place[0] == 'Pod' else ' '.join(event.place)}"
        for event in world.history.seen()
        if event.change in ("ADDED", "DELETED")
    )
    return {"objects": objects, "pods": dict(pods), "events": dict(events)}


def _without_namespace(found: Json, namespace: str) -> Json:
    masked: Json = json.loads(json.dumps(found).replace(namespace, "<namespace>"))
    return masked


def find_differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two end states differ, one line each."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = sorted({*one, *other}, key=str)
        return [line for name in names for line in find_differences(one.get(name), other.get(name), f"{path}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for place, pair in pairs for line in find_differences(*pair, f"{path}[{place}]")]
    return [] if one == other else [f"{path}: {one!r} and {other!r}"]


def _pods_of(pod: Json) -> str:
    labels = pod["metadata"]["labels"]
    if "serin.dev/revision" not in labels:
        return "pod of the router"
    return f"pod of {labels['serin.dev/revision']} {labels['serin.dev/track']}"


def _mask(value: Any) -> Any:
    if isinstance(value, Mapping):
        # Kept by pod name or hashed with a uid; what they tell is in status.metrics and in the object itself.
        dropped = {*_RANDOM_METADATA, *_GIVEN_BY_SERVER, "engine", "serin.dev/applied-hash"}
        return {name: _mask(part) for name, part in value.items() if name not in dropped}
    if isinstance(value, list):
        return [_mask(part) for part in value]
    if isinstance(value, str):
        return _POD_NAME.sub(r"\1-<pod>", _MOMENT.sub("<moment>", value))
    return value


# 2. It stays.


async def check_stays(world: World) -> None:
    """Nothing is written and no status changes, however often the operator looks again."""
    await world.settle()
    writes, length = len(world.operator.writes), world.history.length
    await world.resync(RESYNCS)
    new_writes = world.operator.writes[writes:]
    changes = [" ".join((event.change, *event.place)) for event in world.history.seen(since=length)]
    assert not new_writes, f"looking again wrote: {new_writes}"
    assert not changes, f"looking again changed: {changes}"


# 3. History does not matter.


def take_serving_state(world: World) -> dict[str, Any]:
    """What users get: Services, and Deployments with pods. What only remembers the past is left out."""
    serving: dict[str, Any] = {}
    for found in world.history.all("Deployment"):
        if found["spec"]["replicas"]:
            labels = found["metadata"]["labels"]
            serving[f"Deployment {found['metadata']['name']}"] = _mask({"spec": found["spec"], "labels": labels})
    for found in world.history.all("Service"):
        serving[f"Service {found['metadata']['name']}"] = _mask({"spec": found["spec"]})
    for found in world.history.all("ModelDeployment"):
        status = found["status"]
        told = {name: status.get(name) for name in ("phase", "message", "stable", "candidate", "rejected")}
        told["conditions"] = [(c["type"], c["status"], c["reason"], c["message"]) for c in status["conditions"]]
        serving[f"ModelDeployment {found['metadata']['name']}"] = _mask(told)
    return serving


# 4. Users are always served.


def find_outages(seen: Iterable[Seen]) -> list[str]:
    """Moments at which fewer pods than asked for were ready for users, of stable or behind the user Service."""
    objects: dict[Place, Json] = {}
    needs: dict[str, _Need] = {}
    outages: list[str] = []
    for event in seen:
        if event.change == "DELETED":
            objects.pop(event.place, None)
        else:
            objects[event.place] = event.object
        for name in [*needs] if _is_shared(event.object) else [_owner_of(event.object)]:
            owner = objects.get(("ModelDeployment", name))
            if owner is None:
                needs.pop(name, None)
                continue
            needs.setdefault(name, _Need()).follow(owner)
            outage = needs[name].find_outage(owner, objects)
            if outage:
                outages.append(f"at version {event.version}, {event.change} {' '.join(event.place)}: {outage}")
    return outages


def _is_shared(found: Json) -> bool:
    """By the models of the namespace: routers of theirs."""
    return (found["metadata"].get("labels") or {}).get("serin.dev/model-deployment") == ""


def _owner_of(found: Json) -> str:
    labels = found["metadata"].get("labels") or {}
    return str(labels.get("serin.dev/model-deployment") or found["metadata"]["name"])


class _Need:
    """How many ready pods users can count on: the fewest that were asked for since the present stable serves.

    Strategy Recreate says that nobody is served: from then on until its attempt has ended and pods are back.
    """

    def __init__(self) -> None:
        self._stable: str | None = None
        self._replicas = 0
        self._is_away = False

    def follow(self, owner: Json) -> None:
        stable = owner.get("status", {}).get("stable", {}).get("revision")
        asked = owner["spec"].get("replicas", 1)
        self._replicas = asked if stable != self._stable else min(self._replicas, asked)
        self._stable = stable

    def find_outage(self, owner: Json, objects: Mapping[Place, Json]) -> str | None:
        if self._stable is None or "deletionTimestamp" in owner["metadata"]:
            return None
        found = self._find_lack(owner["metadata"]["name"], objects)
        is_replaced = any(_is_recreated(attempt) for (kind, _), attempt in objects.items() if kind == "Rollout")
        self._is_away = is_replaced or (self._is_away and found is not None)
        return None if self._is_away else found

    def _find_lack(self, name: str, objects: Mapping[Place, Json]) -> str | None:
        pods = [found for (kind, _), found in objects.items() if kind == "Pod"]
        of_stable = sum(
            len(select_ready_pods({"spec": {"selector": _primary(name, revision)}}, pods))
            for revision in {self._stable, *_successors(name, objects)}
        )
        if of_stable < self._replicas:
            return f"{of_stable} of {self._replicas} pods of stable {self._stable} are ready"
        service = objects.get(("Service", name))
        behind = len(select_ready_pods(service, pods)) if service else 0
        if service and "serin.dev/component" in service["spec"].get("selector", {}):
            return None if behind else f"no router is ready, and the Service of {name} leads to them"
        if behind < self._replicas:
            return f"{behind} of {self._replicas} ready pods are behind the Service of {name}"
        return None


def _primary(name: str, revision: str | None) -> Json:
    return {"serin.dev/model-deployment": name, "serin.dev/revision": revision, "serin.dev/track": "primary"}


def _successors(name: str, objects: Mapping[Place, Json]) -> set[str]:
    """Revisions that have taken pods from stable one by one, or give them back; the last word makes one stable."""
    every = [found["metadata"].get("labels") or {} for (kind, _), found in objects.items() if kind == "Deployment"]
    ours = [labels for labels in every if labels.get("serin.dev/model-deployment") == name]
    return {labels["serin.dev/revision"] for labels in ours if labels.get("serin.dev/role") in ("successor", "stable")}


def _is_recreated(rollout: Json) -> bool:
    status = rollout.get("status", {})
    is_unserved = status.get("phase") in ("Preparing", "Preflight", "Promoting")
    return is_unserved and status.get("plan", {}).get("strategy") == "Recreate" and "stable" in status


# 6. A restart continues the evidence.


def take_verdicts(world: World, rollout: str) -> list[tuple[str, Any, Any]]:
    """Moment, phase and numbers of every judgement of a Rollout, in their order. The clock stands between looks."""
    verdicts: list[tuple[str, Any, Any]] = []
    for event in world.history.seen():
        if event.place != ("Rollout", rollout) or event.change == "DELETED":
            continue
        status = event.object.get("status", {})
        verdict = (status.get("engine", {}).get("lookedAt"), status.get("phase"), status.get("metrics"))
        if verdict[0] and verdict not in verdicts:
            verdicts.append(verdict)
    return verdicts
