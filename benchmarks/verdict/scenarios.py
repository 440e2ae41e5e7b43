"""What is simulated: services, what may happen to them, and canaries. Numbers only; `traffic` draws from them.

100 requests/s: 10 % each to baseline and canary (one pod each), 80 % to eight stable pods, looked at every 10 s for 30
minutes, after an hour of history of the stable pods.
"""

from __future__ import annotations

from dataclasses import dataclass

SEED = 20_260_101
INTERVAL_SECONDS = 10
INTERVALS = 180
HISTORY_INTERVALS = 360
MINUTE = 6  # intervals
MARGIN_ABSOLUTE, MARGIN_RELATIVE = 0.005, 0.2


@dataclass(frozen=True)
class Canary:
    """How much worse than the baseline at every moment; `extra` None: by exactly the margin of that moment's rate."""

    name: str
    title: str
    extra: float | None = 0.0
    least_rate: float = 0.0


EQUAL = Canary("equal", "equal")
AT_MARGIN = Canary("margin", "worse by the margin", extra=None)
PLUS_1 = Canary("plus1", "+1 pp", extra=0.01)
PLUS_5 = Canary("plus5", "+5 pp", extra=0.05)
BROKEN = Canary("broken", "broken (fails half)", least_rate=0.5)
CANARIES = (EQUAL, AT_MARGIN, PLUS_1, PLUS_5, BROKEN)


@dataclass(frozen=True)
class Incident:
    """All tracks fail at `rate` from one minute on until another; what the canary is worse by comes on top.

    `hits_alike`: nothing comes on top, in the incident the canary is no worse.
    """

    from_minute: int
    until_minute: int
    rate: float
    hits_alike: bool = False


@dataclass(frozen=True)
class Bursts:
    """Failures come in groups: of geometric size with this mean, or of Pareto size with this shape."""

    mean: float = 0.0
    pareto_shape: float = 0.0


@dataclass(frozen=True)
class PodEvent:
    """Each pod, also the stable ones, fails at `rate` for `seconds`, once in `every_hours` on average."""

    every_hours: float
    rate: float
    seconds: int


@dataclass(frozen=True)
class Noise:
    """Rates times a log-normal number of mean 1, drawn again every `seconds`: one for each pod, or one for all."""

    deviation: float
    seconds: int
    is_shared: bool = False


@dataclass(frozen=True)
class WarmUp:
    """Baseline and canary fail more by `extra` at first; the stable pods do not."""

    extra: float
    seconds: int


@dataclass(frozen=True)
class Scenario:
    """A service and what happens to it; the defaults are the quiet 99 % service."""

    name: str
    title: str
    base_rate: float = 0.01
    variant_rps: float = 10.0
    rate_wave: float = 0.0  # amplitude as a share, one wave in 30 minutes
    traffic_wave: float = 0.0  # the same, one wave in 10 minutes
    incident: Incident | None = None
    bursts: Bursts | None = None
    pod_event: PodEvent | None = None
    noise: Noise | None = None
    warm_up: WarmUp | None = None
    silent_minutes: int = 0  # without any traffic; afterwards every second interval has none, by chance

    @property
    def margin(self) -> float:
        """The margin at the service's usual rate, which the settings of some peers know."""
        return max(MARGIN_ABSOLUTE, MARGIN_RELATIVE * self.base_rate)


USUAL = (
    Scenario("99", "99 %"),
    Scenario("99.9", "99.9 %", base_rate=0.001),
    Scenario("95", "95 %", base_rate=0.05),
)

ROBUSTNESS = (
    Scenario("incident", "incident", rate_wave=0.5, incident=Incident(3, 6, 0.2)),
    Scenario("bursts5", "bursts of 5", bursts=Bursts(mean=5)),
    Scenario("bursts20", "bursts of 20", bursts=Bursts(mean=20)),
    Scenario("crash4h", "crash 1/4 h/pod", pod_event=PodEvent(4, 0.6, 10)),
    Scenario("crash30min", "crash 1/30 min/pod", pod_event=PodEvent(0.5, 0.6, 10)),
    Scenario("episode", "episode 1/4 h/pod", pod_event=PodEvent(4, 0.3, 60)),
    Scenario("low", "0.5 requests/s", variant_rps=0.5),
    Scenario("high", "200 requests/s", variant_rps=200.0),
    Scenario("warmup", "warm-up", warm_up=WarmUp(0.03, 120)),
    Scenario("silence", "no traffic", silent_minutes=5),
)

EXTRA = (
    Scenario("pareto", "Pareto bursts", bursts=Bursts(pareto_shape=1.5)),
    Scenario("sharednoise", "shared random rate", noise=Noise(0.5, 60, is_shared=True)),
    Scenario("crash12h", "99.95 %, crash 1/12 h/pod", base_rate=0.0005, pod_event=PodEvent(12, 0.6, 10)),
    Scenario("bursts3", "bursts of 3, traffic wave", bursts=Bursts(mean=3), traffic_wave=0.5),
    Scenario("episode80", "30 s at 80 %, 1/4 h/pod", pod_event=PodEvent(4, 0.8, 30)),
    Scenario("noise20", "noise per pod, sd 0.2 over 1 min", noise=Noise(0.2, 60)),
    Scenario("noise50", "noise per pod, sd 0.5 over 1 min", noise=Noise(0.5, 60)),
    Scenario("slownoise", "noise per pod, sd 0.3 over 5 min", noise=Noise(0.3, 300)),
    Scenario("outage1", "outage of everything, 1 min", incident=Incident(3, 4, 1.0)),
    Scenario("outage10", "outage of everything, 10 min", incident=Incident(3, 13, 1.0)),
    Scenario("failing20", "always fails 20 %", base_rate=0.2),
    Scenario("failing40", "always fails 40 %", base_rate=0.4),
)

# The canary is worse only outside of these: no error bound speaks of that, and docs/verdict.md names it as a limit.
LIMITS = tuple(
    Scenario(
        f"alike{rate}-{minutes}",
        f"{rate} % of all fail for {minutes} min",
        incident=Incident(3, 3 + minutes, rate / 100, True),
    )
    for rate in (20, 40)
    for minutes in (1, 3, 10)
)

SCENARIOS = {scenario.name: scenario for scenario in (*USUAL, *ROBUSTNESS, *EXTRA, *LIMITS)}
