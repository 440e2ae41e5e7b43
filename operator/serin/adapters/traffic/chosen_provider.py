"""The provider that a ModelDeployment has chosen in `spec.traffic.provider`."""

from collections.abc import Mapping, Sequence

from serin.core.facts import TrafficFacts
from serin.core.plan import AnnotatePods, Apply, TrafficIntent
from serin.runtime.ports import TrafficProvider, TrafficView


class ChosenProvider:
    """Implements the port `TrafficProvider` by asking the right one of `providers`."""

    def __init__(self, providers: Mapping[str, TrafficProvider]) -> None:
        self._providers = providers

    def render(self, intent: TrafficIntent) -> Sequence[Apply | AnnotatePods]:
        return self._providers[intent.settings.provider].render(intent)

    async def observe(self, view: TrafficView) -> TrafficFacts:
        return await self._providers[view.settings.provider].observe(view)
