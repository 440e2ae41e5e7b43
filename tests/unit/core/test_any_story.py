"""Whatever users, pods, Prometheus and crashes do, in any order: the rules of motion hold, and it comes to rest."""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from serin.core.facts import MetricsUnavailable, PreflightFacts, Refusal
from serin.core.rollout.phases import is_terminal
from unit.core.paper_cluster import BROKEN, KEPT, NAME, NOT_ASKED, PaperCluster
from unit.core.rules_of_motion import RulesOfMotion

VERSIONS = st.sampled_from(["1", "2", "3"])
STEPS = [{"weight": 5, "for": "10s"}, {"weight": 40, "approval": True}]


class AnyStory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.cluster = PaperCluster()

    @initialize(
        replicas=st.integers(0, 3),
        sizes=st.fixed_dictionaries(
            {
                "size": st.sampled_from([1, 2, "50%"]),
                "strategy": st.sampled_from(["Canary", "Canary", "BlueGreen", "RollingUpdate", "Recreate"]),
                "onInconclusive": st.sampled_from(["Pause", "Reject", "Promote"]),
            }
        ),
        history=st.integers(0, 2),
        traffic=st.sampled_from(["pods", "exact", "exact"]),
        plan=st.sampled_from(
            [
                {"preflight": {"contract": "Off"}},
                {"preflight": {"contract": "Warn"}},
                {"ramp": {"weights": [5, 40], "stepAfter": "10s"}},
                {"steps": STEPS, "preflight": {"contract": "Off"}},
                {"approval": ["BeforePromotion"], "preflight": {"contract": "Off"}},
            ]
        ),
        chapter=st.sampled_from(["Nothing", "Serving", "Analyzing", "Analyzing", "Promoting", "Baking", "Baking"]),
    )
    def begin(
        self,
        replicas: int,
        sizes: dict[str, Any],
        history: int,
        traffic: str,
        plan: dict[str, Any],
        chapter: str,
    ) -> None:
        self.cluster = PaperCluster(
            replicas=replicas,
            splits_exactly=traffic == "exact",
            analysis={"warmup": "10s", "minDuration": "0s", "maxDuration": "60s"},
            bake="30s" if chapter in ("Analyzing", "Baking") else "0s",
            **sizes,
            **plan,
        )
        self.cluster.applying(historyLimit=history)
        self.promises = RulesOfMotion()
        self.cluster.watchers.append(self.promises)
        if chapter != "Nothing":
            self.cluster.settled()
        if sizes["strategy"] != "Canary":
            self._begin_without_comparison(chapter, sizes["strategy"])
            return
        if chapter in ("Analyzing", "Promoting", "Baking"):
            self.cluster.wanting("2").until("Analyzing")
        if chapter in ("Promoting", "Baking"):
            self.cluster.deciding("Promote").look()
        if chapter == "Baking":
            self.cluster.until("Baking")

    def _begin_without_comparison(self, chapter: str, strategy: str) -> None:
        if chapter in ("Nothing", "Serving"):
            return
        self.cluster.wanting("2")
        for _ in ("made", "begun", "waiting for pods, or for an approval"):
            self.cluster.look()
        if chapter in ("Promoting", "Baking"):
            self.cluster.deciding("Promote").until("Promoting")
        if chapter == "Baking" and strategy == "BlueGreen":
            self.cluster.until("Baking")

    @property
    def running(self) -> bool:
        attempt = self.cluster.attempt_or_none
        return attempt is not None and not is_terminal(attempt.phase)

    @rule(version=VERSIONS)
    def a_version_is_wanted(self, version: str) -> None:
        self.cluster.wanting(version)

    @rule(replicas=st.integers(0, 3))
    def somebody_scales(self, replicas: int) -> None:
        self.cluster.applying(replicas=replicas)

    @rule(
        autoscaling=st.sampled_from([None, {"minReplicas": 1, "maxReplicas": 3}, {"minReplicas": 2, "maxReplicas": 3}])
    )
    def an_autoscaler_comes_or_goes(self, autoscaling: dict[str, int] | None) -> None:
        self.cluster.applying(autoscaling=autoscaling)

    @rule(paused=st.booleans())
    def everything_is_paused(self, paused: bool) -> None:
        self.cluster.applying(paused=paused)

    @precondition(lambda self: self.running)
    @rule(paused=st.booleans())
    def the_attempt_is_paused(self, paused: bool) -> None:
        self.cluster.pausing(paused)

    @precondition(lambda self: self.running)
    @rule()
    def a_person_approves(self) -> None:
        self.cluster.approving("BeforeTraffic", "BeforePromotion", "Step1", "Step2")

    @precondition(lambda self: self.running)
    @rule()
    def a_pod_of_the_attempt_crashes(self) -> None:
        canary = self.cluster.attempt.canary
        for pod in self.cluster.pods.of(canary.revision if canary else ""):
            pod.restarts += 3

    @precondition(lambda self: self.running)
    @rule(decision=st.sampled_from(["Promote", "Reject", "Abort"]))
    def a_person_decides(self, decision: str) -> None:
        self.cluster.deciding(decision)

    @rule(number=st.integers(1, 2), decision=st.sampled_from([None, None, "Promote", "Reject", "Abort"]))
    def a_rollout_is_made_by_hand(self, number: int, decision: str | None) -> None:
        if ("Rollout", f"by-hand-{number}") not in self.cluster.objects:
            spec = {"decision": decision} if decision else {}
            self.cluster.with_rollout_by_hand(f"by-hand-{number}", **spec)

    @precondition(lambda self: self.running)
    @rule()
    def the_attempt_is_deleted(self) -> None:
        name = self.cluster.attempt_name
        del self.cluster.objects["Rollout", name]
        self.promises.forget(name)

    @rule()
    def pods_move(self) -> None:
        self.cluster.pods.run(self.cluster.all("Deployment"), self.cluster.now)

    @rule(data=st.data())
    def a_deployment_breaks_or_heals(self, data: st.DataObject) -> None:
        names = [live["metadata"]["name"] for live in self.cluster.all("Deployment")]
        stable = self.cluster.model_deployment.stable
        name = data.draw(st.sampled_from([name for name in names if not stable or name != stable.revision] or ["none"]))
        if self.cluster.pods.broken.pop(name, None) is None:
            self.cluster.pods.broken[name] = "ImagePullBackOff"

    @rule(seconds=st.sampled_from([1, 10, 700]))
    def time_passes(self, seconds: int) -> None:
        self.cluster.passing(seconds)

    @rule()
    def it_looks(self) -> None:
        self.cluster.look()

    @rule(actions=st.integers(0, 12))
    def it_is_killed_in_the_middle_of_a_plan(self, actions: int) -> None:
        self.cluster.look(killed_after=actions)

    @precondition(lambda self: self.running)
    @rule(canary_failures=st.sampled_from([0, 0, 5, 300]))
    def users_send_requests(self, canary_failures: int) -> None:
        self.cluster.compare(canary_failures=canary_failures)

    @rule(found=st.sampled_from([KEPT, BROKEN, NOT_ASKED]))
    def the_next_version_answers_the_preflight(self, found: PreflightFacts | None) -> None:
        self.cluster.preflight = found

    @rule()
    def prometheus_is_down(self) -> None:
        self.cluster.passing(10).look(MetricsUnavailable("Prometheus does not answer."))

    @rule(kind=st.sampled_from(["Service", "Deployment"]), reason=st.sampled_from(["NameTaken", "InvalidSpec"]))
    def the_plan_is_refused(self, kind: str, reason: str) -> None:
        deployments = [live["metadata"]["name"] for live in self.cluster.all("Deployment")]
        name = NAME if kind == "Service" else (deployments or [""])[-1]
        self.cluster.look(refusal=Refusal(kind, name, reason, "Refused."))

    def teardown(self) -> None:
        self.cluster.settled()
        at_rest = self.cluster.written()
        self.cluster.look()
        assert self.cluster.written() == at_rest


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(
    max_examples=100,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking takes minutes; a story is short as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
