"""The routers that the models of one namespace share: one Deployment of Envoys, with a listener for each model.

What they are to do for one model is that model's part, a ConfigMap that its own reconcile writes. Their one ConfigMap
is made of all parts, by a reconcile of the namespace's own: it has one writer, so no model's change can lose another's.
It remembers nothing but the ports. Their pods' template does not know the models: none that comes or goes rolls it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from serin.adapters.traffic.router_bootstrap import (
    render_shared_bootstrap,
    render_users_listener,
    users_listener_name,
)
from serin.adapters.traffic.router_config import CLUSTERS_FILE, LISTENERS_FILE, ROUTES_FILE, make_digest, render_file
from serin.adapters.traffic.router_objects import (
    SETTINGS_ANNOTATION,
    VERSION_ANNOTATION,
    make_drain_token,
    render_budget_spec,
    render_container,
    render_deployment_spec,
)
from serin.adapters.traffic.shared_resources import find_largest
from serin.core.model_deployment.names import (
    COMPONENT_LABEL,
    MANAGED_BY_LABEL,
    MANAGER,
    MODEL_DEPLOYMENT_LABEL,
    SHARED,
    SHARED_ROUTER,
    TRAFFIC,
    router_labels,
)
from serin.core.plan import AnnotatePods, Apply, Manifest
from serin.runtime.kinds import controller_of
from serin.runtime.ports import JsonObject

Json = dict[str, Any]

SHARED_LABELS: Final = router_labels(SHARED)
"""Of the pods."""

PORTS_FILE: Final = "ports.json"
"""Which model has which port, none who has no room. No Envoy reads it."""

FIRST_PORT: Final = 10_000
PORTS: Final = 20_000
"""Below those that Linux takes for outgoing connections."""

ROOM_BYTES: Final = 1024 * 1024 // 3
"""Of all parts, when another model is let in. A rollout triples a part at most, and a ConfigMap holds 1 MiB: so those
who are in may all be on trial at once, and nobody is ever turned out."""

TOKEN_ANNOTATION: Final = "serin.dev/drain-token"  # noqa: S105 (the name of it)


@dataclass(frozen=True, slots=True)
class Part:
    """Of one model. `size_bytes` without its listener, which is the same for all."""

    model: str
    owner: Mapping[str, Any]
    made_at: str
    version: str
    clusters: Sequence[Json]
    routes: str
    size_bytes: int
    replicas: int
    resources: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SharedConfig:
    version: str
    files: Mapping[str, str]


def read_part(live: JsonObject) -> Part | None:
    """None when it is not as Serin has rendered it: somebody's edit must not reach the other models."""
    metadata, data = live["metadata"], live.get("data") or {}
    annotations = metadata.get("annotations") or {}
    try:
        clusters = json.loads(data[CLUSTERS_FILE])["resources"]
        (route_config,) = json.loads(data[ROUTES_FILE])["resources"]
        version: str = annotations[VERSION_ANNOTATION]
        settings = json.loads(annotations[SETTINGS_ANNOTATION])
        owner = controller_of(live)
        part = Part(
            model=owner["name"],
            owner={name: owner[name] for name in ("apiVersion", "kind", "name", "uid")},
            made_at=metadata["creationTimestamp"],
            version=version,
            clusters=clusters,
            routes=data[ROUTES_FILE],
            size_bytes=len(data[CLUSTERS_FILE]) + len(data[ROUTES_FILE]),
            replicas=int(settings["replicas"]),
            resources=dict(settings["resources"]),
        )
    except (KeyError, ValueError, TypeError):
        return None
    return part if make_digest(clusters, route_config) == version.split(maxsplit=1)[0] else None


def assign_ports(parts: Sequence[Part], known: Mapping[str, Any]) -> dict[str, int | None]:
    """By model: who has a port keeps it; others get one in the order of their making, while there is room.

    By their name, so that a lost ConfigMap is made again with the same ports.
    """
    ports: dict[str, int | None] = {}
    for part in parts:
        port = known.get(part.model)
        is_free = port not in ports.values()
        if isinstance(port, int) and FIRST_PORT <= port < FIRST_PORT + PORTS and is_free:
            ports[part.model] = port
    taken_bytes = sum(part.size_bytes + LISTENER_BYTES for part in parts if part.model in ports)
    for part in sorted(parts, key=lambda part: (part.made_at, part.model)):
        if part.model in ports:
            continue
        with_it_bytes = taken_bytes + part.size_bytes + LISTENER_BYTES
        has_room = with_it_bytes <= ROOM_BYTES
        ports[part.model] = _find_port(part.model, ports.values()) if has_room else None
        taken_bytes = with_it_bytes if has_room else taken_bytes
    return ports


def _find_port(model: str, taken: Iterable[int | None]) -> int:
    first = int.from_bytes(hashlib.sha256(model.encode()).digest()[:4], "big")
    used = set(taken)
    return next(port for step in range(PORTS) if (port := FIRST_PORT + (first + step) % PORTS) not in used)


def read_ports(config_map: JsonObject | None) -> Mapping[str, Any]:
    try:
        ports = json.loads(((config_map or {}).get("data") or {})[PORTS_FILE])
    except (KeyError, ValueError):
        return {}
    return ports if isinstance(ports, dict) else {}


def render_shared_config(parts: Sequence[Part], ports: Mapping[str, int | None]) -> SharedConfig:
    """Of the parts that have a port."""
    listeners: list[Json] = []
    clusters: list[Json] = []
    files: dict[str, str] = {}
    for part in sorted(parts, key=lambda part: part.model):
        port = ports.get(part.model)
        if port is not None:
            listeners.append(_render_listener(part.model, port))
            clusters += part.clusters
            files[_routes_file(part.model)] = part.routes
    digest = hashlib.sha256(json.dumps([listeners, clusters, files], sort_keys=True).encode()).hexdigest()[:12]
    files |= {
        LISTENERS_FILE: render_file(digest, listeners),
        CLUSTERS_FILE: render_file(digest, clusters),
        PORTS_FILE: json.dumps(ports, sort_keys=True),
    }
    return SharedConfig(digest, files)


def _render_listener(model: str, port: int) -> Json:
    kind = "type.googleapis.com/envoy.config.listener.v3.Listener"
    return {"@type": kind, **render_users_listener(users_listener_name(model), port, _routes_file(model))}


def _routes_file(model: str) -> str:
    return f"routes-{model}.json"


LISTENER_BYTES: Final = 100 + len(json.dumps(_render_listener("m" * 45, FIRST_PORT), separators=(",", ":")))


def render_shared_objects(
    parts: Sequence[Part], ports: Mapping[str, int | None], token: str | None, image: str
) -> Sequence[Apply | AnnotatePods]:
    """`token`: for draining, as it was. It is in the pods' template and must not change with who is there."""
    config = render_shared_config(parts, ports)
    token = token or make_drain_token(parts[0].owner["uid"])
    resources = find_largest([part.resources for part in parts])
    container = render_container(image, render_shared_bootstrap(token), token, resources)
    replicas = max(part.replicas for part in parts)
    deployment = render_deployment_spec(replicas, SHARED_LABELS, container, SHARED_ROUTER)

    def make(kind: str, api_version: str, annotations: Mapping[str, str] | None = None, **content: Any) -> Apply:
        metadata = {**_metadata(parts), **({"annotations": dict(annotations)} if annotations else {})}
        manifest: Manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
        return Apply(manifest)

    return (
        make("ConfigMap", "v1", {VERSION_ANNOTATION: config.version}, data=dict(config.files)),
        AnnotatePods(SHARED_LABELS, {VERSION_ANNOTATION: config.version}),
        make("Deployment", "apps/v1", {TOKEN_ANNOTATION: token}, spec=deployment),
        make("PodDisruptionBudget", "policy/v1", spec=render_budget_spec(SHARED_LABELS)),
    )


def _metadata(parts: Sequence[Part]) -> Json:
    """Owned by all: the garbage collector takes it when the last of them is gone."""
    labels = {MANAGED_BY_LABEL: MANAGER, MODEL_DEPLOYMENT_LABEL: SHARED, COMPONENT_LABEL: TRAFFIC}
    owners = [dict(part.owner) for part in sorted(parts, key=lambda part: part.model)]
    return {"name": SHARED_ROUTER, "labels": labels, "ownerReferences": owners}
