"""The scripts of manifests/argocd as Argo CD runs them, and the tables of its own tests that stand beside them.

Lua 5.1 with the base, `table` and two functions of `os`, as in Argo CD: a script has no `string` and no `math`. What it
returns goes through JSON there, where an empty table is an empty list.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from lupa.lua51 import LuaRuntime, lua_type

Json = dict[str, Any]

FOLDER = Path(__file__).parents[3] / "manifests" / "argocd" / "resource_customizations"
KINDS = ("ModelDeployment", "Rollout")

_ONLY_WHAT_ARGO_CD_GIVES = """
os = {date = os.date, time = os.time}
string, math, io, debug, coroutine = nil, nil, nil, nil, nil
"""


def folder_of(kind: str) -> Path:
    return FOLDER / "serin.dev" / kind


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def run_script(path: Path, obj: Json) -> Any:
    """What the script returns for this object."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute('getmetatable("").__index = nil')  # "text":sub() is not there either
    lua.execute(_ONLY_WHAT_ARGO_CD_GIVES)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    return _to_json(lua.execute(path.read_text(encoding="utf-8")))


def run_health(kind: str, obj: Json) -> Json:
    result: Json = run_script(folder_of(kind) / "health.lua", obj)
    return result


def discover_actions(kind: str, obj: Json) -> dict[str, bool]:
    """Name -> whether a person may choose it now."""
    found = run_script(folder_of(kind) / "actions" / "discovery.lua", obj)
    return {name: not settings.get("disabled", False) for name, settings in found.items()}


def run_action(kind: str, action: str, obj: Json) -> list[Json]:
    """Operations as Argo CD carries them out: `create` or `patch`, each with its object."""
    result = run_script(folder_of(kind) / "actions" / action / "action.lua", obj)
    if isinstance(result, list):
        return result
    return [{"operation": "patch", "resource": _restore_empty(result, obj)}]


def cases(table: str, section: str) -> Iterator[tuple[str, Json]]:
    """Kind and entry of each line of a table that lies beside a kind's scripts."""
    for kind in KINDS:
        for case in load(folder_of(kind) / table)[section]:
            yield kind, case


def _to_json(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    if all(isinstance(key, int) for key in value):
        return [_to_json(item) for item in value.values()]
    return {key: _to_json(item) for key, item in value.items()}


def _restore_empty(new: Any, old: Any) -> Any:
    """Lua cannot tell an empty map from an empty list; Argo CD gives what the live object has."""
    if new == [] and old == {}:
        return {}
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: _restore_empty(item, old.get(key)) for key, item in new.items()}
    if isinstance(new, list) and isinstance(old, list):
        pairs = zip(new, [*old, *[None] * len(new)], strict=False)
        return [_restore_empty(item, before) for item, before in pairs]
    return new
