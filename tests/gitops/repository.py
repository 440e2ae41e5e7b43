"""A repository on the Git server of the cluster: a team's models, and commits that change them."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from cluster.kubectl import Kubectl
from gitops.guide import run_guide

SECONDS = 60.0


class Repository:
    """A clone in `folder` of NAME.git, which is empty at first."""

    def __init__(self, name: str, server: str, folder: Path) -> None:
        """`server` is where this machine reaches the Git server, such as 127.0.0.1:40123."""
        bare = f"/srv/git/{name}.git"
        at_server = ("exec", "deployment/git", "--", "git")
        Kubectl("sources").run(*at_server, "init", "--quiet", "--bare", "--initial-branch=main", bare)
        Kubectl("sources").run(*at_server, "-C", bare, "config", "http.receivepack", "true")
        self.url = f"http://git.sources.svc.cluster.local/{name}.git"
        """Where pods of the cluster find it."""
        self._folder = folder
        self._git("clone", "--quiet", f"http://{server}/{name}.git", str(folder), within=folder.parent)
        self._git("config", "user.name", "Ada")
        self._git("config", "user.email", "ada@example.com")

    def commit(self, files: Mapping[str, str]) -> str:
        """Writes these files, commits and pushes; the commit's hash."""
        for path, text in files.items():
            (self._folder / path).write_text(text, encoding="utf-8")
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message=Begin")
        self._git("push", "--quiet", "origin", "HEAD:main")
        return self._head()

    def commit_version(self, version: str) -> str:
        """Another version of the model, as the guide changes it; the commit's hash."""
        run_guide(
            "commit", {'"2"': f'"{version}"', "version 2": f"version {version}", "-v2": f"-v{version}"}, self._folder
        )
        return self._head()

    def _head(self) -> str:
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str, within: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=within or self._folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout
