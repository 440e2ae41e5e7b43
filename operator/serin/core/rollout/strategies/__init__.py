"""Every strategy by the name that a plan gives it."""

from collections.abc import Mapping
from typing import Final

from serin.core.rollout.strategies.ab_test import AB_TEST
from serin.core.rollout.strategies.blue_green import BLUE_GREEN
from serin.core.rollout.strategies.canary import CANARY
from serin.core.rollout.strategies.recreate import RECREATE
from serin.core.rollout.strategies.rolling_update import ROLLING_UPDATE
from serin.core.rollout.strategies.shadow import SHADOW
from serin.core.rollout.strategy import Strategy

STRATEGIES: Final[Mapping[str, Strategy]] = {
    "Canary": CANARY,
    "Shadow": SHADOW,
    "ABTest": AB_TEST,
    "BlueGreen": BLUE_GREEN,
    "RollingUpdate": ROLLING_UPDATE,
    "Recreate": RECREATE,
}
