"""What an Envoy of the router starts with: two listeners, and where it finds what changes.

`users` is what the user Service leads to; at a router that a namespace shares every model has one of its own, in a
file, so that they come and go without a restart. `stats` answers three questions (metrics, readiness, which version of
the routes is in use) and takes one order, draining, from who knows the token of the pod's spec. Envoy's own admin
interface listens on loopback alone.
"""

from typing import Any, Final

from serin.adapters.traffic.router_config import (
    ADMIN_PORT,
    CLUSTERS_FILE,
    CONFIG_FOLDER,
    DRAIN_PATH,
    DRAIN_SECONDS,
    LATENCY_BUCKETS_MS,
    LISTENERS_FILE,
    ROUTES_FILE,
    STATE_PATH,
    STATS_PORT,
    USERS_PORT,
)

Json = dict[str, Any]

DRAIN_HEADER: Final = "x-serin-drain"
VERSION_STAT: Final = "rds.users.version_text"
MEMBERS_STAT: Final = "membership_total"

MOST_CONNECTIONS: Final = 50_000
"""Of users, per router: what 64 MiB hold, with room to spare for requests."""

_TYPE: Final = "type.googleapis.com/envoy."
_HTTP: Final = "extensions.filters.http."


def render_bootstrap(drain_token: str, folder: str = CONFIG_FOLDER) -> Json:
    """Of a router for one model."""
    state = rf"/stats?format=json&filter=^(http.users.{VERSION_STAT}|cluster\..*\.{MEMBERS_STAT})$"
    users = render_users_listener("users", USERS_PORT, ROUTES_FILE, folder)
    files = {"cds_config": _from_file(folder, CLUSTERS_FILE)}
    return _render(files, [users, _render_stats_listener(drain_token, _to_admin(STATE_PATH, state))])


def render_shared_bootstrap(drain_token: str, folder: str = CONFIG_FOLDER) -> Json:
    """Of a router that the models of a namespace share. It is the same whichever they are."""
    files = {"cds_config": _from_file(folder, CLUSTERS_FILE), "lds_config": _from_file(folder, LISTENERS_FILE)}
    return _render(files, [_render_stats_listener(drain_token, _render_state_of_one())])


def _render(files: Json, listeners: list[Json]) -> Json:
    return {
        "node": {"id": "router", "cluster": "serin"},
        "admin": {"address": _address("127.0.0.1", ADMIN_PORT)},
        "dynamic_resources": files,
        "static_resources": {"listeners": listeners, "clusters": [_render_admin_cluster()]},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": _TYPE
                        + "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": MOST_CONNECTIONS,
                    },
                }
            ]
        },
        "stats_config": {
            "histogram_bucket_settings": [
                {"match": {"suffix": "upstream_rq_time"}, "buckets": list(LATENCY_BUCKETS_MS)}
            ]
        },
    }


def _from_file(folder: str, name: str) -> Json:
    # A ConfigMap's files are changed by moving `..data`: Envoy has to watch that. The kubelet links a new file into the
    # folder only after the move, and a listener whose routes are not there yet is refused and not tried again.
    source = {"path": f"{folder}/..data/{name}", "watched_directory": {"path": folder}}
    return {"resource_api_version": "V3", "path_config_source": source}


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _render_admin_cluster() -> Json:
    endpoint = {"endpoint": {"address": _address("127.0.0.1", ADMIN_PORT)}}
    return {
        "name": "admin",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "admin", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def render_users_listener(name: str, port: int, routes_file: str, folder: str = CONFIG_FOLDER) -> Json:
    """`name` also tells its series and stats from those of others."""
    manager = {
        "stat_prefix": name,
        "codec_type": "AUTO",
        "rds": {"route_config_name": "users", "config_source": _from_file(folder, routes_file)},
        "http_filters": [_filter("router", "router.v3.Router", suppress_envoy_headers=True)],
        # Clients are not trusted with Envoy's own headers, such as timeouts; their request ids are.
        "use_remote_address": True,
        "internal_address_config": {"unix_sockets": False},
        "preserve_external_request_id": True,
        "server_header_transformation": "PASS_THROUGH",
        "http_protocol_options": {"accept_http_10": True},
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        # An answer may take as long as it takes; only a client that stalls within its headers is cut off.
        "stream_idle_timeout": "0s",
        "request_timeout": "0s",
        "request_headers_timeout": "30s",
        "local_reply_config": {"body_format": {"json_format": {"error": "%LOCAL_REPLY_BODY%"}}},
    }
    return {**_listener(name, port, manager), "traffic_direction": "INBOUND"}


def users_listener_name(model_deployment: str) -> str:
    """Of one model at a router that several share."""
    return f"users-{model_deployment}"


def _render_state_of_one() -> Json:
    """Of one model, by its name at the end of the path: the others of the namespace may be many."""
    stats = rf"http[.]users-\1[.]{VERSION_STAT}|cluster[.]\1-[^.]*[.]{MEMBERS_STAT}"
    rewrite = {
        "pattern": {"regex": f"^{STATE_PATH}/([-a-z0-9]+)$"},
        "substitution": f"/stats?format=json&filter=^({stats})$",
    }
    match = {"safe_regex": {"regex": f"{STATE_PATH}/[-a-z0-9]+"}, "headers": _GET}
    return {"match": match, "route": {"cluster": "admin", "regex_rewrite": rewrite}}


def _render_stats_listener(drain_token: str, state: Json) -> Json:
    metrics = r"/stats/prometheus?usedonly&filter=^(cluster\.|http\.users)"
    drain = {
        "match": {
            "path": DRAIN_PATH,
            "headers": [{"name": DRAIN_HEADER, "string_match": {"exact": drain_token}}],
        },
        "direct_response": {"status": 200, "body": {"inline_string": "drained\n"}},
        "typed_per_filter_config": {
            "envoy.filters.http.lua": {"@type": _TYPE + _HTTP + "lua.v3.LuaPerRoute", "name": "drain"},
            "envoy.filters.http.fault": {
                "@type": _TYPE + _HTTP + "fault.v3.HTTPFault",
                "delay": {"fixed_delay": f"{DRAIN_SECONDS}s", "percentage": {"numerator": 100}},
            },
        },
    }
    routes = [
        _to_admin("/metrics", metrics),
        _to_admin("/ready", "/ready"),
        state,
        drain,
        {"match": {"prefix": "/"}, "direct_response": {"status": 404}},
    ]
    manager = {
        "stat_prefix": "stats",
        "route_config": {"name": "stats", "virtual_hosts": [{"name": "stats", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            _filter("lua", "lua.v3.Lua", source_codes={"drain": {"inline_string": _DRAIN_SCRIPT}}),
            _filter("fault", "fault.v3.HTTPFault"),
            _filter("router", "router.v3.Router"),
        ],
    }
    return _listener("stats", STATS_PORT, manager)


# The pod's preStop hook asks with GET and the order wants POST. The answer comes late, and the pod lives until then.
_DRAIN_SCRIPT: Final = """
function envoy_on_request(request)
  request:httpCall("admin", {[":method"] = "POST", [":path"] = "/drain_listeners?graceful&inboundonly",
    [":authority"] = "admin"}, "", 5000)
end
"""


_GET: Final = [{"name": ":method", "string_match": {"exact": "GET"}}]


def _to_admin(path: str, rewritten: str) -> Json:
    return {"match": {"path": path, "headers": _GET}, "route": {"cluster": "admin", "prefix_rewrite": rewritten}}


def _filter(name: str, kind: str, **settings: Any) -> Json:
    return {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": _TYPE + _HTTP + kind, **settings}}


def _listener(name: str, port: int, manager: Json) -> Json:
    kind = _TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    network_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {"@type": kind, **manager},
    }
    return {
        "name": name,
        "address": _address("0.0.0.0", port),  # noqa: S104 (of the pod)
        "filter_chains": [{"filters": [network_filter]}],
    }
