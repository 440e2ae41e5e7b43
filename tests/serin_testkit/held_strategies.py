"""Stories that stop in the middle, of the strategies without a comparison before the promotion.

Version 1 serves with two pods, and the Rollout of version 2 stays in one phase until let go.
"""

import json

from serin.core.contract.golden_requests import Answer
from serin.core.facts import NoAnswer

from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.cluster_user import Json
from serin_testkit.held_phases import METADATA, ROLLOUT, let_go
from serin_testkit.kubelet import Starting
from serin_testkit.world import World

HELD = (
    ("BlueGreen", "Preparing"),
    ("BlueGreen", "Preflight"),
    ("BlueGreen", "AwaitingApproval"),
    ("BlueGreen", "Baking"),
    ("RollingUpdate", "Preparing"),
    ("RollingUpdate", "Preflight"),
    ("RollingUpdate", "AwaitingApproval"),
    ("RollingUpdate", "Promoting"),
    ("Recreate", "AwaitingApproval"),
    ("Recreate", "Preparing"),
    ("Recreate", "Preflight"),
)

GOLDEN = "/predict"


async def hold(world: World, strategy: str, phase: str) -> Manifest:
    """Brings the Rollout of version 2 into this phase; its manifest."""
    await world.serve_first(a_model_deployment(version="1").with_strategy(strategy))
    changed = a_model_deployment(version="2").with_strategy(strategy)
    match phase:
        case "Preparing":
            world.kubelet.let(Starting(), version="2")
        case "Preflight":
            changed = changed.with_plan(preflight=await _ask_without_answer(world, strategy))
        case "AwaitingApproval" | "Promoting":
            changed = changed.with_plan(approval=["BeforeTraffic"])
    await world.apply(changed)
    if phase == "Promoting":
        await world.until_phase(ROLLOUT, "AwaitingApproval")
        world.kubelet.let(Starting(), version="2", only_new=True)
        await approve(world)
    await world.until_phase(ROLLOUT, phase)
    return changed


async def _ask_without_answer(world: World, strategy: str) -> Json:
    if strategy != "Recreate":
        world.models.let_answer(METADATA, NoAnswer("nobody answered"))
        return {"contract": "Enforce"}
    case = {"path": GOLDEN, "request": [[1.0]], "answer": {"predictions": [1]}}
    config_map: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "golden"}}
    await world.user.apply({**config_map, "data": {"golden.json": json.dumps({"cases": [case]})}})
    world.models.let_answer(GOLDEN, NoAnswer("nobody answered"))
    return {"requests": "configmap://golden"}


async def approve(world: World) -> None:
    await world.user.patch("Rollout", ROLLOUT, {"spec": {"approvals": ["BeforeTraffic"]}})


def let_it_go(world: World) -> None:
    """Pods get ready, and the model answers."""
    let_go(world)
    world.models.let_answer(GOLDEN, Answer(200, {"predictions": [1]}))


async def let_it_end(world: World) -> Json:
    """It goes on, a person approves, the bake is over; the Rollout at its end."""
    let_it_go(world)
    await approve(world)
    await world.settle()
    for _ in range(3):
        if world.phase(ROLLOUT) in ("Baking", "Preflight"):
            world.clock.jump(601 if world.phase(ROLLOUT) == "Baking" else 6)
            await world.settle()
    return await world.until_phase(ROLLOUT, "Promoted")
