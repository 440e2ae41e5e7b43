"""What an Envoy of the router is told: a bootstrap that never changes, clusters, and the routes with the weights.

Pure: intent in, configuration out. Clusters are named like the Deployments whose pods they hold, so the router's
metrics are per track without further ado. The version of the routes holds the weights themselves: whoever reads it
back from a router knows what that router does, not only that it is up to date.

Safety: a cluster is there as long as a pod of it may be, so weights only ever name what is there; a track on trial
falls back to stable while none of its pods can answer; only requests that no pod has begun to handle are sent twice.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from serin.core.facts import Route, Track
from serin.core.model_deployment.names import deployment_name
from serin.core.plan import TrafficIntent

Json = dict[str, Any]

USERS_PORT: Final = 8080
STATS_PORT: Final = 9902
ADMIN_PORT: Final = 9901
CONFIG_FOLDER: Final = "/etc/serin/router"
CLUSTERS_FILE: Final = "clusters.json"
ROUTES_FILE: Final = "routes.json"
LISTENERS_FILE: Final = "listeners.json"

TRACK_HEADER: Final = "x-serin-track"
USER_COOKIE: Final = "serin-user"
COOKIE_DAYS: Final = 30
DRAIN_PATH: Final = "/drain"
STATE_PATH: Final = "/state"
DRAIN_SECONDS: Final = 20
"""How long a router that must go still answers: until every node knows, and the longest inference is through."""

WHOLE: Final = 10_000
"""Weights are hundredths of a percent."""

LATENCY_BUCKETS_MS: Final = (0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000)

# uvicorn, under most Python servers, closes an idle connection after 5 s: the router must be the first.
UPSTREAM_IDLE: Final = "4s"

_TYPE: Final = "type.googleapis.com/envoy."
_PROTOCOL: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_HTTP_1: Final[Json] = {
    "explicit_http_config": {"http_protocol_options": {}},
    "common_http_protocol_options": {"idle_timeout": UPSTREAM_IDLE},
}
_HTTP_2: Final[Json] = {"explicit_http_config": {"http2_protocol_options": {}}}
# Envoy's own limits are low (3 retries at a time); the server behind is who knows when it has enough.
_UNLIMITED: Final = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), 100_000)


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """`files` are the ConfigMap's; `version` names them and is what a router reports when it follows them."""

    version: str
    files: Mapping[str, str]


def render_config(intent: TrafficIntent) -> RouterConfig:
    clusters = [*_render_clusters(intent)]
    route_config = _render_routes(intent)
    version = " ".join(
        [make_digest(clusters, route_config), *(f"{name}={weight}" for name, weight in _whole_weights(intent))]
    )
    return RouterConfig(
        version,
        {CLUSTERS_FILE: render_file(version, clusters), ROUTES_FILE: render_file(version, [route_config])},
    )


def make_digest(clusters: Sequence[Json], route_config: Json) -> str:
    return hashlib.sha256(json.dumps([clusters, route_config], sort_keys=True).encode()).hexdigest()[:12]


def read_weights(version: str) -> Mapping[str, float]:
    """Percent per Deployment out of a version that a router reports."""
    pairs = (part.rpartition("=") for part in version.split()[1:])
    return {name: int(weight) * 100 / WHOLE for name, _, weight in pairs}


def render_file(version: str, resources: Sequence[Json]) -> str:
    return json.dumps({"version_info": version, "resources": resources}, sort_keys=True, separators=(",", ":"))


def _whole_weights(intent: TrafficIntent) -> list[tuple[str, int]]:
    """Hundredths of a percent that sum up to the whole; what rounding leaves goes to the largest.

    The order carries stickiness: a user's place in the whole never changes. What is on trial begins at the left end,
    the baseline at the right, stable has what is between: as the weights of both rise, nobody leaves either.
    """
    routes = sorted((route for route, weight in intent.weights.items() if weight > 0), key=_order(intent))
    weights = {route: round(intent.weights[route] * WHOLE / 100) for route in routes}
    if weights:
        largest = max(weights, key=lambda route: weights[route])
        weights[largest] += WHOLE - sum(weights.values())
    return [(deployment_name(route), weight) for route, weight in weights.items()]


def _order(intent: TrafficIntent) -> Any:
    def key(route: Route) -> tuple[int, str]:
        place = 2 if route.track is Track.BASELINE else 1 if route == intent.stable else 0
        return place, route.revision

    return key


# Clusters


def _render_clusters(intent: TrafficIntent) -> Sequence[Json]:
    """Two for every route: its pods, and what routes name, with the fallback behind.

    Their names stay the same through trial, promotion and end: routes never name what another file has just removed.
    Another two where the pods speak gRPC, which has a port of its own there.
    """
    clusters = []
    stable = next((backend for backend in intent.backends if backend.route == intent.stable), None)
    for backend in sorted(intent.backends, key=lambda backend: backend.route):
        has_fallback = stable is not None and stable.route != backend.route
        is_mirrored = intent.mirror is not None and intent.mirror.route == backend.route
        is_spared = backend.route == intent.stable or is_mirrored
        name = deployment_name(backend.route)
        fallback = [deployment_name(stable.route)] if stable and has_fallback else []
        clusters.append(_render_cluster(name, _render_endpoint(name, backend.port), _HTTP_1, is_spared=is_spared))
        clusters.append(_render_target(_target(name), [name, *fallback]))
        if backend.grpc_port:
            endpoint = _render_endpoint(name, backend.grpc_port)
            fallback = [_grpc(deployment_name(stable.route))] if stable and has_fallback and stable.grpc_port else []
            clusters.append(_render_cluster(_grpc(name), endpoint, _HTTP_2, is_spared=is_spared))
            clusters.append(_render_target(_target(_grpc(name)), [_grpc(name), *fallback]))
    return clusters


def _render_cluster(name: str, endpoint: Json, protocol: Json, *, is_spared: bool) -> Json:
    """The pods' addresses come from the DNS, which needs no operator."""
    return {
        "@type": _TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "connect_timeout": "1s",
        "cluster_type": {
            "name": "envoy.clusters.dns",
            "typed_config": {
                "@type": _TYPE + "extensions.clusters.dns.v3.DnsCluster",
                "dns_lookup_family": "V4_PREFERRED",
                "dns_refresh_rate": "1s",
                "dns_failure_refresh_rate": {"base_interval": "0.2s", "max_interval": "1s"},
            },
        },
        # The short name is found at the first question: the pod's own namespace leads the search list.
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "lb_policy": "LEAST_REQUEST",
        # Pods of a track on trial that fail are left to the fallback; stable would rather try all it has.
        "common_lb_config": {"healthy_panic_threshold": {"value": 50 if is_spared else 0}},
        "circuit_breakers": {"thresholds": [_UNLIMITED]},
        "outlier_detection": _render_outlier_detection(is_spared=is_spared),
        # Counted where a request went. The cluster's own counters call an answer of the fallback one of the track.
        "track_cluster_stats": {"per_endpoint_stats": True},
        "typed_extension_protocol_options": {
            _PROTOCOL: {"@type": _TYPE + _PROTOCOL.removeprefix("envoy."), **protocol}
        },
    }


def _render_endpoint(service: str, port: int) -> Json:
    return {"endpoint": {"address": {"socket_address": {"address": service, "port_value": port}}}}


def _render_outlier_detection(*, is_spared: bool) -> Json:
    """A pod that cannot be reached is left out for some seconds; of a track on trial also one that only fails.

    Others are spared that: the failures of stable are answers that users are meant to get, and fewer pods would only
    make more of them; and what is mirrored harms nobody and is there to be judged.
    """
    return {
        "interval": "1s",
        "base_ejection_time": "5s",
        "max_ejection_time": "60s",
        "max_ejection_percent": 50 if is_spared else 100,
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_success_rate": 0,
        "consecutive_5xx": 5,
        "enforcing_consecutive_5xx": 0 if is_spared else 100,
        "enforcing_consecutive_gateway_failure": 0,
    }


def _target(name: str) -> str:
    return f"{name}-or-stable"


def _grpc(name: str) -> str:
    return f"{name}-grpc"


def _render_target(name: str, clusters: Sequence[str]) -> Json:
    return {
        "@type": _TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "connect_timeout": "1s",
        "lb_policy": "CLUSTER_PROVIDED",
        "circuit_breakers": {"thresholds": [_UNLIMITED]},
        "cluster_type": {
            "name": "envoy.clusters.aggregate",
            "typed_config": {
                "@type": _TYPE + "extensions.clusters.aggregate.v3.ClusterConfig",
                "clusters": list(clusters),
            },
        },
    }


# Routes


def _render_routes(intent: TrafficIntent) -> Json:
    return {
        "@type": _TYPE + "config.route.v3.RouteConfiguration",
        "name": "users",
        "ignore_port_in_host_matching": True,
        "virtual_hosts": [
            {
                "name": "users",
                "domains": ["*"],
                "retry_policy": _render_retries(),
                "routes": [
                    *_render_tester_routes(intent),
                    *_render_grpc_routes(intent),
                    *_render_user_routes(intent),
                ],
            }
        ],
    }


def _render_retries() -> Json:
    """Only what no pod has begun to handle: an inference that runs twice costs twice, and may not be harmless."""
    return {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": 3,
        "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.1s"},
        "retry_priority": {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": {
                "@type": _TYPE + "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
                "update_frequency": 2,
            },
        },
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": _TYPE + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                },
            }
        ],
        "host_selection_retry_max_attempts": "5",
    }


def _render_tester_routes(intent: TrafficIntent) -> list[Json]:
    """`x-serin-track: canary` asks one track, whatever the weights."""
    routes = []
    for backend in sorted(intent.backends, key=lambda backend: backend.route):
        if backend.route not in intent.weights:
            continue  # pods of an earlier attempt on their way out
        name = deployment_name(backend.route)
        match = {
            "prefix": "/",
            "headers": [{"name": TRACK_HEADER, "string_match": {"exact": intent.role(backend.route)}}],
        }
        if backend.grpc_port:
            routes.append({"match": {**match, "grpc": {}}, "route": {"cluster": _grpc(name), "timeout": "0s"}})
        routes.append({"match": match, "route": {"cluster": name, "timeout": "0s"}})
    return routes


def _render_grpc_routes(intent: TrafficIntent) -> list[Json]:
    """Told by their content type, so one port of the router takes them and HTTP."""
    weights = [(_grpc(name), weight) for name, weight in _grpc_weights(intent)]
    if not weights:
        return []
    return [{"match": {"prefix": "/", "grpc": {}}, "route": {"timeout": "0s", **_render_targets(intent, weights)}}]


def _grpc_weights(intent: TrafficIntent) -> list[tuple[str, int]]:
    """Of the versions that speak gRPC: what another should get goes to the largest of them.

    Nothing while stable is to get some and does not speak it: no version on trial gets what was not meant for it.
    """
    weights = _whole_weights(intent)
    speakers = {deployment_name(backend.route) for backend in intent.backends if backend.grpc_port}
    is_stable_mute = intent.stable is not None and deployment_name(intent.stable) in dict(weights).keys() - speakers
    if is_stable_mute or speakers.isdisjoint(dict(weights)):
        return []
    kept = {name: weight for name, weight in weights if name in speakers}
    kept[max(kept, key=lambda name: kept[name])] += WHOLE - sum(kept.values())
    return list(kept.items())


def _render_user_routes(intent: TrafficIntent) -> list[Json]:
    sticky = intent.settings.sticky
    action = _render_split(intent)
    if not sticky.cookie:
        return [{"match": {"prefix": "/"}, "route": action}]
    has_cookie = {"name": "cookie", "string_match": {"contains": f"{USER_COOKIE}="}}
    seconds = COOKIE_DAYS * 24 * 3600
    cookie = f"{USER_COOKIE}=%REQ(X-REQUEST-ID)%; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return [
        {"match": {"prefix": "/", "headers": [has_cookie]}, "route": action},
        {
            "match": {"prefix": "/"},
            "route": action,
            # The next request is hashed by the id of this one, which so has the place of this one.
            "response_headers_to_add": [
                {"header": {"key": "set-cookie", "value": cookie}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}
            ],
        },
    ]


def _render_split(intent: TrafficIntent) -> Json:
    """No timeout: Envoy's own 15 s would cut slow models off, and the server has one of its own."""
    action: Json = {"timeout": "0s", **_render_targets(intent, _whole_weights(intent))}
    if intent.mirror is not None:
        share = {"numerator": round(intent.mirror.percent * WHOLE / 100), "denominator": "TEN_THOUSAND"}
        action["request_mirror_policies"] = [
            {
                "cluster": deployment_name(intent.mirror.route),
                "runtime_fraction": {"default_value": share},
                "disable_shadow_host_suffix_append": True,
            }
        ]
    return action


def _render_targets(intent: TrafficIntent, weights: Sequence[tuple[str, int]]) -> Json:
    if len(weights) == 1:
        return {"cluster": _target(weights[0][0])}
    sticky = intent.settings.sticky
    clusters = [{"name": _target(name), "weight": weight} for name, weight in weights]
    if not sticky.cookie and sticky.header is None:
        return {"weighted_clusters": {"clusters": clusters}}
    return {
        "hash_policy": _render_hash_policy(sticky.header, has_cookie=sticky.cookie, salt=intent.salt),
        "weighted_clusters": {"use_hash_policy": True, "clusters": clusters},
    }


def _render_hash_policy(header: str | None, *, has_cookie: bool, salt: str) -> list[Json]:
    """The first that a request has decides. The salt changes who the first users of a canary are."""
    policies = []
    if header is not None:
        policies.append(_salted(header, "^(.*)$", salt))
    if has_cookie:
        policies.append(_salted("cookie", rf"^(?:.*;\s*)?{re.escape(USER_COOKIE)}=([^;]*).*$", salt))
    return [*policies, _salted("x-request-id", "^(.*)$", salt)]


def _salted(header: str, pattern: str, salt: str) -> Json:
    rewrite = {"pattern": {"regex": pattern}, "substitution": rf"{salt} \1"}
    return {"header": {"header_name": header, "regex_rewrite": rewrite}, "terminal": True}
