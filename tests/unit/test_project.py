"""What the project promises about itself."""

import re
import tomllib
from pathlib import Path

import serin_server

ROOT = Path(__file__).parents[2]


def test_the_folder_operator_never_becomes_a_package() -> None:
    """It would hide Python's own module `operator` from every program that starts in this folder."""
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_the_server_says_the_version_that_the_package_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert serin_server.__version__ == project["version"]


def test_every_part_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = {
        f"{folder}{file}"
        for line in text.splitlines()
        if line.startswith("| `")
        for folder in [line.split("`")[1]]
        for file in line.split("|")[2].split("`")[1::2]
        if file.endswith(".py") and "/" not in file
    }
    assert named
    missing = [path for path in named if not (ROOT / "operator" / "serin" / path).exists()]
    assert missing == []


def test_every_package_is_listed_for_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        ".".join(path.parent.relative_to(ROOT / source).parts)
        for source in ("operator", "server")
        for path in (ROOT / source).rglob("__init__.py")
    }
    assert found == listed


def test_every_dependency_says_what_it_is_for() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [*data["project"]["optional-dependencies"].values(), *data["dependency-groups"].values()]
    names = {entry.split(">")[0].split("[")[0].strip() for group in groups for entry in group if isinstance(entry, str)}
    text = (ROOT / "docs" / "dependencies.md").read_text().lower()
    assert [name for name in sorted(names) if name.lower() not in text] == []


def test_the_gitops_commands_of_the_readme_are_those_that_the_gitops_tests_run() -> None:
    blocks = re.compile(r"<!-- tested: (\S+) -->\n```sh\n(.*?)```", re.DOTALL)
    tested = dict(blocks.findall((ROOT / "docs" / "gitops.md").read_text()))
    shown = dict(blocks.findall((ROOT / "README.md").read_text()))

    assert set(shown) == {"argocd-settings", "commit"}
    assert shown.items() <= tested.items()
