"""What people and tools read: columns, `kubectl wait`, Events."""

import pytest
from serin_testkit.held_phases import ROLLOUT, hold
from serin_testkit.world import World

pytestmark = pytest.mark.component


async def get_columns(world: World, kind: str) -> dict[str, dict[str, str]]:
    """What `kubectl get` prints, by name and column."""
    code, output = await world.user.kubectl("get", kind)
    assert code == 0, output
    head, *rows = output.splitlines()
    starts = [head.index(title) for title in head.split()]
    ends = [*starts[1:], None]
    cells = [[row[start:end].strip() for start, end in zip(starts, ends, strict=True)] for row in rows]
    return {row[0]: dict(zip(head.split(), row, strict=True)) for row in cells}


async def test_kubectl_get_tells_the_story_of_a_rollout(world: World) -> None:
    await hold(world, "Analyzing")
    await world.pass_interval()
    await world.pass_interval()

    weather = (await get_columns(world, "md"))["weather"]
    assert (weather["STABLE"], weather["CANDIDATE"], weather["WEIGHT"]) == ("1", "2", "25")
    assert (weather["READY"], weather["PHASE"]) == ("False", "Progressing")

    rollouts = await get_columns(world, "mro")
    assert rollouts["weather-1"]["PHASE"] == "Promoted"
    running = rollouts[ROLLOUT]
    assert (running["DEPLOYMENT"], running["VERSION"], running["PHASE"]) == ("weather", "2", "Analyzing")
    assert running["WEIGHT"] == "25"
    assert running["GOOD"].endswith("%")
    assert running["BAD"].endswith("%")


async def test_kubectl_wait_returns_when_a_version_is_promoted(world: World) -> None:
    await hold(world, "Analyzing")
    await world.let_traffic_decide(ROLLOUT)

    code, output = await world.user.kubectl("wait", "--for=condition=Ready", "md/weather", "--timeout=10s")
    assert code == 0, output
    code, output = await world.user.kubectl("wait", "--for=condition=Ready", f"mro/{ROLLOUT}", "--timeout=10s")
    assert code == 0, output


async def test_kubectl_wait_does_not_return_while_a_version_is_rejected(world: World) -> None:
    world.prometheus.failing = {"2": 0.9}
    await hold(world, "Analyzing")
    await world.let_traffic_decide(ROLLOUT)

    code, output = await world.user.kubectl("wait", "--for=condition=Ready", "md/weather", "--timeout=1s")
    assert code != 0
    assert "timed out" in output
    code, output = await world.user.kubectl("wait", "--for=condition=Stalled", "md/weather", "--timeout=10s")
    assert code == 0, output


async def test_each_step_of_a_promotion_is_an_event_of_its_own_reason(world: World) -> None:
    await hold(world, "Analyzing")
    await world.let_traffic_decide(ROLLOUT)
    await world.settle()

    told = [(name, reason) for name, reason, _ in await world.events()]

    assert [reason for name, reason in told if name == ROLLOUT] == [
        "RolloutStarted",
        "AnalysisStarted",
        "PromotionStarted",
        "RolloutPromoted",
    ]
    assert [reason for name, reason in told if name == "weather"][-2:] == ["RolloutStarted", "RolloutPromoted"]


async def test_the_event_of_a_rejection_is_a_warning_that_says_why(world: World) -> None:
    world.prometheus.failing = {"2": 0.9}
    await hold(world, "Analyzing")
    await world.let_traffic_decide(ROLLOUT)

    code, output = await world.user.kubectl("get", "events", "--field-selector=type=Warning")

    assert code == 0, output
    assert "RolloutRejected" in output
    assert "the canary fails 90" in output
