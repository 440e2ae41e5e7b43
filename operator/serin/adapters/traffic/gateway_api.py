"""Provider GatewayAPI: a Gateway that the cluster has splits the requests, by an HTTPRoute of Serin's own.

What the Gateway does is read from the route: each of its parents has to say that it has taken on the present
generation and found every backend. What a class cannot do, and what is missing, is told and never skipped. Users in the
cluster may call the user Service, too: it knows no shares and leads to the pods of the version with the largest weight.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from serin.adapters.traffic.gateways import MIRROR, NO_GATEWAY_API, PARTIAL_MIRROR, Gateways, find_url
from serin.adapters.traffic.http_route import (
    NOT_MADE,
    find_lag,
    is_accepted,
    make_http_route,
    make_route_services,
    read_shares,
)
from serin.adapters.traffic.selected_pods import selected_shares
from serin.core.facts import Key, TrafficFacts
from serin.core.model_deployment.names import MODEL_DEPLOYMENT_LABEL, pod_labels, service_name
from serin.core.plan import AnnotatePods, Apply, TrafficIntent
from serin.runtime.ports import Absent, Clock, Cluster, ObjectRef, TrafficView

SOON_SECONDS: Final = 0.2
LATEST_SECONDS: Final = 10.0
"""A watch tells of a route that changes; of what is missing for it none does, so it is looked for ever later."""

TROUBLE_SECONDS: Final = 2.0
OBSTACLE_SECONDS: Final = 10.0
"""Every change takes a moment, and a Gateway may be made together with the models: only what lasts is told."""

NO_STICKY: Final = (
    "The provider GatewayAPI cannot keep a user with one version, for a Gateway's sessions would also keep users on a "
    "rejected one: set spec.traffic.provider to Router."
)


class GatewayApiProvider:
    """Implements the port `TrafficProvider`."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._gateways = Gateways(cluster, clock)
        self._waiting_since: dict[Key, float] = {}

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]:
        owner = intent.service["metadata"]["labels"][MODEL_DEPLOYMENT_LABEL]
        heaviest = max(intent.weights, key=lambda route: intent.weights[route])
        service = {**intent.service, "spec": {**intent.service["spec"], "selector": pod_labels(owner, heaviest)}}
        route = (Apply(make_http_route(intent)),) if intent.takes_users else ()
        return (*make_route_services(intent), *route, Apply(service))

    async def observe(self, view: TrafficView) -> TrafficFacts:
        settings = view.settings.gateway_api
        assert settings is not None, "the API server admits no provider GatewayAPI without its settings"
        route = view.find("HTTPRoute", service_name(view.key.name))
        if route is None and await self._is_kind_missing(view.key):
            facts = TrafficFacts(
                selected_shares(view),
                splits_exactly=True,
                takes_users=False,
                no_mirror=NO_GATEWAY_API,
                no_sticky=NO_STICKY,
            )
            return self._wait(view.key, facts, NO_GATEWAY_API, is_obstacle=True)
        states = [await self._gateways.look(parent, view.key.namespace) for parent in settings.parent_refs]
        facts = TrafficFacts(
            splits_exactly=True,
            no_sticky=NO_STICKY,
            is_serving=route is not None and is_accepted(route),
            url=find_url(settings, settings.parent_refs[0], states[0].gateway),
            no_mirror=_first(state.why_not(MIRROR, "copy requests") for state in states),
            no_partial_mirror=_first(state.why_not(PARTIAL_MIRROR, "copy a share of the requests") for state in states),
        )
        missing = _first(state.missing for state in states)
        if missing is not None:
            return self._wait(view.key, facts, missing, is_obstacle=True)
        lag = find_lag(route) if route else NOT_MADE
        if lag is not None:
            return self._wait(view.key, facts, lag.sentence, is_obstacle=lag.is_refusal)
        assert route is not None
        self._waiting_since.pop(view.key, None)
        return replace(facts, shares=read_shares(route))

    async def _is_kind_missing(self, key: Key) -> bool:
        read = await self._cluster.get(ObjectRef("HTTPRoute", key.namespace, service_name(key.name)))
        return isinstance(read, Absent) and not read.is_kind_known

    def _wait(self, key: Key, facts: TrafficFacts, why: str, *, is_obstacle: bool) -> TrafficFacts:
        """The facts while the Gateways do not do what they should."""
        now = self._clock.monotonic_seconds()
        seconds = now - self._waiting_since.setdefault(key, now)
        return replace(
            facts,
            is_serving=facts.is_serving and not is_obstacle,
            look_again_after_seconds=min(max(SOON_SECONDS, seconds / 4), LATEST_SECONDS),
            trouble=why.rstrip(".") if seconds >= TROUBLE_SECONDS else None,
            obstacle=f"{why.rstrip('.')}." if is_obstacle and seconds >= OBSTACLE_SECONDS else None,
        )


def _first(found: Iterable[str | None]) -> str | None:
    return next((one for one in found if one is not None), None)
