"""Stories that stop in the middle: version 1 serves, and the Rollout of version 2 stays in one phase until let go.

For rules that hold in every phase: decisions, pauses, deletions.
"""

from serin.core.contract.golden_requests import Answer
from serin.core.facts import NoAnswer

from serin_testkit.builders import Manifest, a_model_deployment
from serin_testkit.kubelet import Ready, Starting
from serin_testkit.scripted_models import a_signature
from serin_testkit.world import World

HELD_PHASES = ("Preparing", "Preflight", "Analyzing", "Promoting")

ROLLOUT = "weather-2"

METADATA = "/v2/models/weather"


async def hold(world: World, phase: str, *, replicas: int = 2) -> Manifest:
    """Brings the Rollout of version 2 into this phase, where pods or requests are missing to go on; its manifest."""
    await world.serve_first(a_model_deployment(version="1").with_replicas(replicas))
    changed = a_model_deployment(version="2").with_replicas(replicas)
    if phase == "Preparing":
        world.kubelet.let(Starting(), version="2")
        await world.apply(changed)
        await world.until_phase(ROLLOUT, "Preparing")
        return changed
    if phase == "Preflight":
        changed = changed.with_plan(preflight={"contract": "Enforce"})
        world.models.let_answer(METADATA, NoAnswer("nobody answered"))
        await world.apply(changed)
        await world.until_phase(ROLLOUT, "Preflight")
        return changed
    await world.begin_comparison(changed, ROLLOUT)
    if phase == "Promoting":
        world.kubelet.let(Starting(), version="2", only_new=True)
        while world.phase(ROLLOUT) == "Analyzing":
            await world.pass_interval()
    assert world.phase(ROLLOUT) == phase
    return changed


def let_go(world: World) -> None:
    """Pods get ready again and answer; an analysis goes on by `World.let_traffic_decide`."""
    world.kubelet.let(Ready())
    world.models.let_answer(METADATA, Answer(200, a_signature()))
