"""A team that serves the weather model from a repository, with users who send requests all the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from cluster.kubectl import Json
from cluster.namespace import Namespace, open_namespace
from cluster.traffic import Requests, Traffic
from cluster.weather import EXAMPLE, Weather, a_weather
from serin_testkit.history import Place

REQUESTS_PER_SECOND = 100

CHILDREN = ("Rollout", "ControllerRevision", "Deployment", "Service")


def files_of(version: str) -> dict[str, str]:
    """What stands in the repository when this version is wanted: all models, and the deployment."""
    models = {path.name: path.read_text(encoding="utf-8") for path in sorted((EXAMPLE / "models").iterdir())}
    return {**models, "modeldeployment.yaml": yaml.safe_dump(dict(a_weather(version)))}


@dataclass
class Team:
    namespace: Namespace
    weather: Weather
    traffic: Traffic

    def start_users(self) -> None:
        self.traffic.start("--url", f"http://{self.weather.name}", "--rate", str(REQUESTS_PER_SECOND))

    def answers(self, seconds: float = 2.0) -> Requests:
        """What users get in the next seconds, and in which versions."""
        before = self.traffic.count_after(0.5)
        return self.traffic.count_after(seconds).since(before)

    def changes(self, since: int) -> list[str]:
        """Every change of the ModelDeployment or of what Serin has made of it, since that version of the store.

        An apply of what is there already may renew its own entry in the list of field owners, and that is all.
        """
        before: dict[Place, Json] = {}
        found = []
        for seen in self.namespace.recording.seen():
            content = _without_bookkeeping(seen.object)
            is_same = seen.change == "MODIFIED" and before.get(seen.place) == content
            before[seen.place] = content
            if seen.version > since and seen.place[0] in ("ModelDeployment", *CHILDREN) and not is_same:
                found.append(f"{seen.change} {' '.join(seen.place)} at version {seen.version}")
        return found


def _without_bookkeeping(live: Json) -> Json:
    metadata = {k: v for k, v in live["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    return {**live, "metadata": metadata}


@contextmanager
def open_team(purpose: str) -> Iterator[Team]:
    with open_namespace(purpose) as namespace:
        yield Team(namespace, Weather(namespace), Traffic(namespace.kubectl))
        namespace.check_oracles()


def write_files(folder: Path, version: str) -> None:
    for name, text in files_of(version).items():
        (folder / name).write_text(text, encoding="utf-8")
