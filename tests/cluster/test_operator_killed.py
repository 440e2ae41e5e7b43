"""The operator is killed at random moments of rollouts: users and outcomes are the same as if nothing had been.

SERIN_KILLS is the number of rollouts. SERIN_SEED repeats the moments of an earlier run, which names its own at the top.
"""

import logging
import random
import time

import pytest
from cluster.installation import Operator
from cluster.settings import KILLED_ROLLOUTS, SEED
from cluster.traffic import Traffic
from cluster.weather import BROKEN, Weather, a_weather

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

LOG = logging.getLogger(__name__)

PHASES = {"Promoted": ("Preparing", "Analyzing", "Promoting"), "Rejected": ("Preparing", "Analyzing")}

LONGEST_DELAY_SECONDS = {"Preparing": 4.0, "Analyzing": 10.0, "Promoting": 4.0}
"""About as long as the phase lasts: a later kill would belong to the next one."""

MOMENT_SECONDS = 3.0


@pytest.mark.parametrize("number", range(KILLED_ROLLOUTS))
def test_a_rollout_whose_operator_is_killed_ends_as_without(
    number: int, weather: Weather, operator: Operator, traffic: Traffic
) -> None:
    wanted = "Rejected" if number % 2 else "Promoted"
    version = BROKEN if wanted == "Rejected" else weather.good_version
    before, users, known = weather.namespace.recording.version, traffic.count(), weather.rollouts()
    chance = random.Random(f"{SEED}-{number}")

    rollout = weather.roll_out(a_weather(version))
    for _ in range(chance.choice((1, 2))):
        kill_at_random_moment(chance, weather, operator, rollout, wanted)
    weather.until_phase(rollout, wanted)
    weather.until_told("Healthy" if wanted == "Promoted" else "Degraded")
    weather.until_stable_is_alone()
    operator.until_ready()

    assert weather.rollouts() - known == {rollout}, "another attempt was made"
    assert not weather.restarted_pods(before)
    noticed = traffic.count_after(MOMENT_SECONDS).since(users)
    assert weather.stable_version in noticed.versions
    assert wanted == "Rejected" or noticed.failed == 0, f"user requests failed: {noticed}"


def kill_at_random_moment(
    chance: random.Random, weather: Weather, operator: Operator, rollout: str, wanted: str
) -> None:
    """Some seconds into a phase, or into whatever has followed it meanwhile."""
    phase = chance.choice(PHASES[wanted])
    delay_seconds = chance.uniform(0, LONGEST_DELAY_SECONDS[phase])
    weather.until_past(rollout, phase)
    time.sleep(delay_seconds)
    found = weather.rollout(rollout).get("phase")
    LOG.warning("SERIN_SEED=%s: killed %.1f s into %s of %s, in %s", SEED, delay_seconds, phase, rollout, found)
    operator.kill()
