"""Synthetic weather observations: seven features of a port's weather station, and whether it rains four hours later.

One hidden quantity, how unsettled the air is, moves all features together as it does outside: moist, low pressure,
short sight, rain now. The label follows that quantity and a little chance, so that no model can be perfect and any
reasonable one ends near the same accuracy. Every range is physically plausible; no row of a real station is here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEATURES = (
    "Temperature_C",
    "Humidity",
    "Wind_speed_kmph",
    "Wind_bearing_degrees",
    "Visibility_km",
    "Pressure_millibars",
    "Current_weather_condition",
)
CLEAR, RAIN = 0, 1

# Lowest and highest value of each feature, in the order of FEATURES. Visibility ends where the instrument does.
LOWEST = np.array([-22.0, 0.15, 0.0, 0.0, 0.1, 985.0, 0.0])
HIGHEST = np.array([38.0, 1.0, 64.0, 359.0, 16.1, 1046.0, 1.0])


@dataclass(frozen=True)
class Observations:
    features: NDArray[np.float32]  # one row per observation, columns as FEATURES
    labels: NDArray[np.int64]  # CLEAR or RAIN


def make_observations(count: int, seed: int) -> Observations:
    rng = np.random.default_rng(seed)
    unsettled = rng.normal(0.0, 1.0, count)
    raining_now = (unsettled + rng.normal(0.0, 0.4, count) > 0.3).astype(float)
    columns = [
        12.0 - 1.5 * unsettled + rng.normal(0.0, 7.0, count),
        0.70 + 0.12 * unsettled + rng.normal(0.0, 0.04, count),
        11.0 + 2.0 * unsettled + rng.gamma(2.0, 3.0, count) - 6.0,
        rng.uniform(0.0, 359.0, count),
        11.0 - 2.5 * unsettled + rng.normal(0.0, 1.0, count),
        1015.0 - 6.0 * unsettled + rng.normal(0.0, 2.0, count),
        raining_now,
    ]
    features = np.clip(np.column_stack(columns), LOWEST, HIGHEST).astype(np.float32)
    labels = (unsettled + rng.normal(0.0, 0.05, count) > 0.3).astype(np.int64)
    return Observations(features, labels)
