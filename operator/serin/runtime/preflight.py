"""Asks the new version what the preflight wants to know, and brings the answers home as facts.

Reads alone: what the answers mean is for `core/rollout/preflight.py` to say.
"""

import asyncio

from serin.core.contract.golden_requests import Answer, GoldenRequest, InvalidGoldenError, read_golden_requests
from serin.core.facts import InvalidGolden, ModelQuestion, NoAnswer, PodAddress, PreflightFacts
from serin.core.rollout.preflight_wanted import PreflightWanted
from serin.runtime.ports import Absent, Cluster, Found, ModelClient, ObjectRef, Unknown


class PreflightObserver:
    def __init__(self, cluster: Cluster, models: ModelClient) -> None:
        self._cluster = cluster
        self._models = models

    async def observe(self, wanted: PreflightWanted) -> PreflightFacts:
        golden = await self._observe_golden(wanted)
        requests = golden if isinstance(golden, tuple) else ()
        stable, candidate, answers = await asyncio.gather(
            self._ask_stable(wanted),
            self._models.ask(_metadata_question(wanted.candidate, wanted.candidate_model)),
            asyncio.gather(*(self._models.ask(_golden_question(wanted.candidate, request)) for request in requests)),
        )
        return PreflightFacts(
            candidate_pod=wanted.candidate.pod,
            golden=golden,
            answers=tuple(answers),
            stable_metadata=stable,
            candidate_metadata=candidate,
        )

    async def _ask_stable(self, wanted: PreflightWanted) -> Answer | NoAnswer | None:
        if wanted.stable is None:
            return None
        return await self._models.ask(_metadata_question(wanted.stable, wanted.stable_model))

    async def _observe_golden(self, wanted: PreflightWanted) -> tuple[GoldenRequest, ...] | InvalidGolden | NoAnswer:
        name = wanted.golden_config_map
        if name is None:
            return ()
        match await self._cluster.get(ObjectRef("ConfigMap", wanted.namespace, name)):
            case Found(live):
                try:
                    return read_golden_requests(live.get("data") or {})
                except InvalidGoldenError as error:
                    return InvalidGolden(f"golden requests in ConfigMap {name}: {error}")
            case Absent():
                return InvalidGolden(f"golden requests: there is no ConfigMap {name}")
            case Unknown(reason):
                return NoAnswer(f"ConfigMap {name} could not be looked up: {reason}")


def _metadata_question(pod: PodAddress, model: str) -> ModelQuestion:
    return ModelQuestion(pod.address, pod.port, f"/v2/models/{model}")


def _golden_question(pod: PodAddress, request: GoldenRequest) -> ModelQuestion:
    return ModelQuestion(pod.address, pod.port, request.path, request.body)
