"""Waiting with a deadline, a picture, and advice for the case that it takes too long."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from serin_demo.cluster_objects import Objects, Pod, parse_objects
from serin_demo.frame import render_frame, render_line
from serin_demo.kubectl import Kubectl, KubectlError
from serin_demo.progress import Progress, judged_pods
from serin_demo.screen import Screen
from serin_demo.user_requests import UserRequests, parse_user_requests

LOAD = "serin-load"
MODEL = "weather"
POLL_SECONDS = 1.0


class DemoError(Exception):
    """What went wrong, and what to do next."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


class Clock(Protocol):
    """The part of the module `time` that waiting needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


@dataclass
class Stage:
    """One part of the story and what was seen in it. `after`: number of the last Rollout before it."""

    title: str
    began: float
    after: int
    finished: float | None = None
    judged: dict[str, Pod] = field(default_factory=dict)  # by UID, as first seen on trial

    def see(self, objects: Objects, now: float) -> None:
        for pod in judged_pods(objects, self.after):
            self.judged.setdefault(pod.uid, pod)
        attempt = objects.newest_attempt(self.after)
        if attempt and attempt.is_finished and self.finished is None:
            self.finished = now


class Watch:
    """Reads the cluster again and again, and shows it."""

    def __init__(self, kubectl: Kubectl, screen: Screen, clock: Clock) -> None:
        self._kubectl = kubectl
        self._screen = screen
        self._clock = clock
        self.users: UserRequests | None = None

    def until(self, stage: Stage, decide: Callable[[Objects], Progress], within_seconds: float, advice: str) -> Objects:
        """The first reading on which `decide` says Done. One failed call is no reason to give up; the deadline is."""
        deadline = self._clock.monotonic() + within_seconds
        while True:
            try:
                objects = self.observe()
                progress = decide(objects)
                self._show(stage, objects, progress.reason)
            except KubectlError as error:
                progress = Progress("Waiting", str(error))
            if progress.state == "Done":
                return objects
            if progress.state == "Failed":
                raise DemoError(progress.reason, advice)
            if self._clock.monotonic() >= deadline:
                raise DemoError(f"{stage.title}: not done within {within_seconds:.0f} s. {progress.reason}", advice)
            self._clock.sleep(POLL_SECONDS)

    def for_seconds(self, stage: Stage, seconds: float, note: str) -> Objects:
        ends = self._clock.monotonic() + seconds

        def decide_time(_: Objects) -> Progress:
            return Progress("Done" if self._clock.monotonic() >= ends else "Waiting", note)

        return self.until(stage, decide_time, seconds + 60, "Is the API server still there?")

    def observe(self) -> Objects:
        listing = self._kubectl.read("get", "modeldeployments.serin.dev,rollouts.serin.dev,pods")
        self.users = self._observe_users() or self.users
        return parse_objects(listing, MODEL)

    def _observe_users(self) -> UserRequests | None:
        try:
            # Two lines: the newest may be cut.
            return parse_user_requests(self._kubectl.run("logs", f"deployment/{LOAD}", "--tail=2").splitlines())
        except KubectlError:
            return None  # there is no log before the generator's container has started

    def _show(self, stage: Stage, objects: Objects, note: str) -> None:
        now = self._clock.monotonic()
        stage.see(objects, now)
        frame = render_frame(stage.title, now - stage.began, objects, self.users, note, stage.after)
        self._screen.draw(frame, render_line(stage.title, objects, self.users, note, stage.after), now)
