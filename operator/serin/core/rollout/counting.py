"""Who counts the requests of the pods that are compared: each pod itself or, for a server without counters that can be
used, every router before it. What is waited for are places (core/evidence/places.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from serin.core.evidence.counters import Reading, Track
from serin.core.evidence.places import place_at_router
from serin.core.facts import PodFacts, RouterPod


@dataclass(frozen=True, slots=True)
class Counting:
    """`routed` are the revisions whose requests only `routers` count."""

    routers: tuple[RouterPod, ...] = ()
    routed: frozenset[str] = frozenset()

    def find_places(self, pods: Iterable[PodFacts]) -> frozenset[str]:
        """All that may ever count for these pods: metrics with selectors of their own are read of the pods."""
        found = set()
        for pod in pods:
            found |= {pod.name, *self._places_of(pod)}
        return frozenset(found)

    def make_track(self, pods: Iterable[PodFacts], readings: Mapping[str, Reading]) -> Track:
        """With the readings of the places that count for these pods; who is not ready is not waited for."""
        is_ready: dict[str, bool] = {}
        for pod in pods:
            is_ready |= self._places_of(pod)
        found = {place: readings[place] for place in is_ready if place in readings}
        ready = frozenset(place for place, is_scraped in is_ready.items() if is_scraped)
        return Track(readings=found, ready=ready, unready=frozenset(is_ready) - ready)

    def _places_of(self, pod: PodFacts) -> Mapping[str, bool]:
        is_ready = pod.ready and not pod.terminating
        if pod.route.revision not in self.routed:
            return {pod.name: is_ready}
        return {place_at_router(pod.name, router.name): is_ready and router.ready for router in self.routers}


BY_PODS = Counting()
