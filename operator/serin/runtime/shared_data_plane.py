"""What the ModelDeployments of a namespace share has a key of its own in the queue, and so one writer at a time.

A reconcile of a ModelDeployment writes its part, an object of its own, and wakes this one when the part has changed,
came or went. This one makes the shared objects of all parts, and wakes who has news to look at. Nothing is remembered
but who has been told what: after a restart everybody is told once more.
"""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from serin.core.facts import Key
from serin.core.model_deployment.decide import RETRY_REFUSED_SECONDS
from serin.core.model_deployment.names import COMPONENT_LABEL, LISTENER, listener_name, service_name
from serin.core.plan import Plan
from serin.runtime.cache import Cache
from serin.runtime.executor import Executor
from serin.runtime.kinds import controller_of
from serin.runtime.outcomes import ClusterError
from serin.runtime.ports import JsonObject, ObjectRef, SharedDataPlane, SharedModel, SharedView

_log = structlog.get_logger("serin.shared")

Reconcile = Callable[[Key], Awaitable[float | None]]


class SharedReconciler:
    """`reconcile_one` is the reconcile of a ModelDeployment, `wake` puts a key into the queue."""

    def __init__(
        self,
        cache: Cache,
        executor: Executor,
        data_plane: SharedDataPlane,
        reconcile_one: Reconcile,
        wake: Callable[[Key], None],
    ) -> None:
        self._cache = cache
        self._executor = executor
        self._data_plane = data_plane
        self._reconcile_one = reconcile_one
        self._wake = wake
        self._seen: dict[Key, object] = {}  # of every part, as the last plan was made of it
        self._told: dict[str, dict[str, object]] = {}  # by namespace, by ModelDeployment

    async def reconcile(self, key: Key) -> float | None:
        """Of either kind of key. Raises errors of `outcomes`."""
        if key.is_shared:
            return await self._reconcile_shared(key)
        try:
            return await self._reconcile_one(key)
        finally:
            if self._gist(key) != self._seen.get(key):
                self._wake(key.of_namespace)

    def _gist(self, key: Key) -> object:
        """What of a model's part can change what is shared; None without a part, or without its ModelDeployment."""
        part = self._cache.get(ObjectRef("ConfigMap", key.namespace, listener_name(key.name)))
        model = self._find_model(key.namespace, part) if part else None
        if part is None or model is None:
            return None
        user_service = model.user_service or {"spec": {}}
        traffic = (model.owner.get("spec") or {}).get("traffic")
        return part["metadata"]["resourceVersion"], user_service["spec"].get("selector"), traffic

    async def _reconcile_shared(self, key: Key) -> float | None:
        namespace = key.namespace
        view = SharedView(namespace, self._find_models(namespace), self._cache.owned(key))
        seen = {key: self._gist(key) for key in (Key(namespace, name_of(model)) for model in view.models)}
        plan = self._data_plane.plan_shared(view)
        try:
            await self._executor.execute(Plan(key, plan.actions))
        except ClusterError as error:
            if not error.outcome.needs_a_person:
                raise
            _log.warning("what models share is refused", reason=str(error), again_seconds=RETRY_REFUSED_SECONDS)
            self._data_plane.tell_refusal(namespace, f"{str(error).rstrip('.')}.")
            self._tell(namespace, {one.name: str(error) for one in seen})
            return RETRY_REFUSED_SECONDS
        self._data_plane.tell_refusal(namespace, None)
        self._remember(namespace, seen)
        self._tell(namespace, plan.news)
        return plan.look_again_after_seconds

    def _remember(self, namespace: str, seen: Mapping[Key, object]) -> None:
        self._seen = {key: gist for key, gist in self._seen.items() if key.namespace != namespace} | dict(seen)

    def _find_models(self, namespace: str) -> list[SharedModel]:
        parts = (
            live
            for live in self._cache.all("ConfigMap")
            if live["metadata"]["namespace"] == namespace
            and (live["metadata"].get("labels") or {}).get(COMPONENT_LABEL) == LISTENER
            and "deletionTimestamp" not in live["metadata"]
        )
        return [model for part in parts if (model := self._find_model(namespace, part))]

    def _find_model(self, namespace: str, part: JsonObject) -> SharedModel | None:
        """None when the part is left of a ModelDeployment that is gone: the garbage collector will come for it."""
        owner = controller_of(part)
        live = self._cache.get(ObjectRef("ModelDeployment", namespace, owner["name"])) if owner else None
        if live is None or live["metadata"]["uid"] != owner["uid"]:
            return None
        service = self._cache.get(ObjectRef("Service", namespace, service_name(owner["name"])))
        return SharedModel(live, part, service)

    def _tell(self, namespace: str, news: Mapping[str, object]) -> None:
        told = self._told.get(namespace, {})
        for name in sorted({*told, *news}):
            if told.get(name) != news.get(name):
                self._wake(Key(namespace, name))
        self._told[namespace] = dict(news)


def name_of(model: SharedModel) -> str:
    name: str = model.owner["metadata"]["name"]
    return name
