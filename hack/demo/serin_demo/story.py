"""What happens after what: version 1 serves, load comes, version 2 is promoted, version 3 is rejected."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serin_demo.cluster_objects import Objects
from serin_demo.kubectl import Kubectl
from serin_demo.progress import DONE, Progress, decide_first_version, decide_rollout, serving_pods
from serin_demo.results import Result, find_faults, render_result
from serin_demo.screen import Screen
from serin_demo.user_requests import UserRequests
from serin_demo.watching import LOAD, MODEL, Clock, DemoError, Stage, Watch

ROOT = Path(__file__).parents[3]
WEATHER = ROOT / "manifests" / "examples" / "weather"
LOAD_FILES = ROOT / "hack" / "demo"
OPERATOR_LOG = "kubectl -n serin-system logs deployment/serin"

# Images are loaded beforehand, so pods start within seconds; these say when something is wrong, not how long it takes.
RESET_SECONDS = 120.0
FIRST_VERSION_SECONDS = 240.0  # longer than the example's progressDeadline: the operator knows a reason
LOAD_SECONDS = 150.0
ROLLOUT_SECONDS = 900.0  # its progressDeadline of 3 min and maxDuration of 10 min, and some to settle
# Answers on their way and the log's last second belong to the rollout; what fails later does not.
LAST_ANSWERS_SECONDS = 3.0
AFTERWARDS_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    image: str
    requests_per_second: float


class Story:
    def __init__(self, kubectl: Kubectl, screen: Screen, clock: Clock, settings: Settings) -> None:
        self._kubectl = kubectl
        self._screen = screen
        self._clock = clock
        self._settings = settings
        self._watch = Watch(kubectl, screen, clock)

    def tell(self) -> list[Result]:
        self._reset()
        first = self._serve_first_version()
        self._start_load(first.last_number)
        return [self._roll_out("2", "Promoted"), self._roll_out("3", "Rejected")]

    def _stage(self, title: str, after: int = 0) -> Stage:
        self._screen.start()
        return Stage(title, self._clock.monotonic(), after)

    def _reset(self) -> None:
        """Removes what an earlier run has left. The load goes first: it would count the model's end as failures."""
        namespace = self._kubectl.namespace
        self._kubectl.apply_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        # Foreground: until its pod is gone, too. The log of the old pod would be read as the new one's.
        self._kubectl.run("delete", "deployment", LOAD, "--ignore-not-found", "--cascade=foreground")
        self._kubectl.run("delete", "modeldeployments.serin.dev,rollouts.serin.dev", "--all")
        self._watch.until(
            self._stage("Clean start"),
            decide_empty,
            RESET_SECONDS,
            f"Delete the namespace and try again: kubectl delete namespace {namespace}",
        )

    def _serve_first_version(self) -> Objects:
        self._kubectl.apply_files(WEATHER / "models", WEATHER / "modeldeployment.yaml")
        return self._watch.until(
            self._stage("Version 1"),
            lambda objects: decide_first_version(objects, "1"),
            FIRST_VERSION_SECONDS,
            self._advise("get md,pods", f"describe md {MODEL}"),
        )

    def _start_load(self, after: int) -> None:
        template = json.loads(
            self._kubectl.run("create", "--dry-run=client", "-o", "json", "-f", str(LOAD_FILES / "load.yaml"))
        )
        self._kubectl.apply_object(make_script((LOAD_FILES / "load.py").read_text(encoding="utf-8")))
        self._kubectl.apply_object(make_load(template, self._settings))
        self._watch.until(
            self._stage(f"Load, {self._settings.requests_per_second:g} requests/s", after),
            lambda _: DONE if self._watch.users else Progress("Waiting", "no request was answered yet"),
            LOAD_SECONDS,
            self._advise(f"logs deployment/{LOAD}", f"describe deployment {LOAD}"),
        )

    def _roll_out(self, version: str, wanted: str) -> Result:
        before = self._watch.observe()
        stage = self._stage(f"Version {version}", after=before.last_number)
        users_before = self._users()
        self._kubectl.run("patch", "modeldeployments.serin.dev", MODEL, "--type=merge", "-p", make_patch(version))
        self._watch.until(
            stage,
            lambda objects: decide_rollout(objects, stage.after, wanted),
            ROLLOUT_SECONDS,
            self._advise("get md,mro -o wide", f"describe md {MODEL}"),
        )
        self._watch.for_seconds(stage, LAST_ANSWERS_SECONDS, "the last answers are on their way")
        users_over = self._users()
        objects = self._watch.for_seconds(stage, AFTERWARDS_SECONDS, "nobody should notice anything from here on")
        return make_result(version, stage, objects, users_over.since(users_before), self._users().since(users_over))

    def _users(self) -> UserRequests:
        return self._watch.users or UserRequests()

    def _advise(self, *commands: str) -> str:
        looks = "\n".join(f"  kubectl -n {self._kubectl.namespace} {command}" for command in commands)
        return f"Look here next:\n{looks}\n  {OPERATOR_LOG}\n`make demo-down` removes everything."


def decide_empty(objects: Objects) -> Progress:
    """Nothing of the model is left, not even a pod on its way out: it would be taken for one of the next run."""
    left = len(objects.attempts) + len(objects.pods) + (objects.deployment is not None)
    return Progress("Waiting", f"objects of the last run on their way out: {left}") if left else DONE


def make_patch(version: str) -> str:
    return json.dumps({"spec": {"model": {"version": version, "uri": f"configmap://weather-v{version}/model.onnx"}}})


def make_script(source: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": LOAD}, "data": {"load.py": source}}


def make_load(template: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The Deployment of load.yaml with the image and the rate of this run."""
    load: dict[str, Any] = json.loads(json.dumps(template))
    container = load["spec"]["template"]["spec"]["containers"][0]
    container["image"] = settings.image
    container["args"] = ["--url", f"http://{MODEL}", "--rate", f"{settings.requests_per_second:g}"]
    return load


def make_result(version: str, stage: Stage, objects: Objects, during: UserRequests, afterwards: UserRequests) -> Result:
    attempt = objects.newest_attempt(stage.after)
    if attempt is None:
        raise DemoError(f"the Rollout of version {version} is gone", "Did somebody delete it? Run the demo again.")
    return Result(
        version=version,
        phase=attempt.phase,
        sentence=attempt.message,
        took_seconds=(stage.finished or stage.began) - stage.began,
        during=during,
        afterwards=afterwards,
        judged=frozenset(stage.judged.values()),
        serving=frozenset(serving_pods(objects)),
    )


def tell_and_judge(story: Story, screen: Screen) -> int:
    """The exit code: 0 only when both rollouts went right."""
    try:
        results = story.tell()
    except DemoError as failure:
        screen.say(f"The demo stopped: {failure}\n{failure.advice}")
        return 1
    for result in results:
        screen.say("\n".join(["", *render_result(result)]))
    went_right = not any(find_faults(result) for result in results)
    screen.say("\nBoth rollouts went right." if went_right else "\nThe demo went wrong: see the lines marked WRONG.")
    return 0 if went_right else 1
