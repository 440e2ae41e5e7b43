"""What Triton's clients and tools ask a server about itself: statistics, configuration and the index of the models.

Shapes and names are Triton's; values that do not exist here (caches, several instances) are left out or zero.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from serin_server.oip.errors import InvalidRequestError
from serin_server.oip.signature import DYNAMIC, Signature, TensorSpec
from serin_server.telemetry import RunTotals


def make_statistics(name: str, version: str, totals: RunTotals) -> dict[str, Any]:
    durations = {
        "success": _make_duration(totals.succeeded, totals.succeeded_seconds),
        "fail": _make_duration(totals.failed, totals.failed_seconds),
        "queue": _make_duration(totals.executions, totals.queue_wait_seconds),
        "compute_input": _make_duration(0, 0),
        "compute_infer": _make_duration(totals.executions, totals.run_seconds),
        "compute_output": _make_duration(0, 0),
        "cache_hit": _make_duration(0, 0),
        "cache_miss": _make_duration(0, 0),
    }
    statistics = {
        "name": name,
        "version": version,
        "last_inference": totals.last_inference_ms,
        "inference_count": totals.succeeded,
        "execution_count": totals.executions,
        "inference_stats": durations,
        "batch_stats": [],
    }
    return {"model_stats": [statistics]}


def make_configuration(name: str, signature: Signature) -> dict[str, Any]:
    """`max_batch_size` 0 is Triton's way to say that the shapes hold the rows themselves."""
    return {
        "name": name,
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": 0,
        "version_policy": {"latest": {"num_versions": 1}},
        "input": [_make_tensor(spec) for spec in signature.inputs],
        "output": [_make_tensor(spec) for spec in signature.outputs],
    }


def make_repository_index(name: str, version: str, reason: str, *, is_ready: bool) -> list[dict[str, str]]:
    state = "READY" if is_ready else "UNAVAILABLE"
    return [{"name": name, "version": version, "state": state, "reason": "" if is_ready else reason}]


def wants_only_ready_models(body: bytes) -> bool:
    """The question that comes with an index request; Triton's clients send an empty object, `curl` nothing."""
    try:
        return _INDEX_REQUEST.decode(body or b"{}").ready
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequestError(f'expected {{"ready": true}}, {{}} or nothing: {error}') from error


class _IndexRequest(msgspec.Struct):
    ready: bool = False


_INDEX_REQUEST: Final = msgspec.json.Decoder(_IndexRequest)


def _make_duration(count: int, seconds: float) -> dict[str, int]:
    return {"count": count, "ns": round(seconds * 1e9)}


def _make_tensor(spec: TensorSpec) -> dict[str, Any]:
    name = spec.datatype.name
    data_type = "TYPE_STRING" if name == "BYTES" else f"TYPE_{name}"
    return {"name": spec.name, "data_type": data_type, "dims": [DYNAMIC] if spec.shape is None else list(spec.shape)}
