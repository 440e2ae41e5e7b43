"""The commands of docs/gitops.md, run as they stand there, with the test's own names in place of the guide's."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "gitops.md"
SECONDS = 300.0


def read_commands(name: str) -> str:
    """The block of code below the mark `<!-- tested: NAME -->`."""
    text = GUIDE.read_text(encoding="utf-8")
    _, mark, rest = text.partition(f"<!-- tested: {name} -->\n```sh\n")
    assert mark, f"{GUIDE.name} has no block marked {name!r}"
    return rest.partition("```")[0]


def run_guide(
    name: str, names: Mapping[str, str], folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> str:
    """What the block prints. `names` are replaced: the guide's word -> the test's."""
    commands = read_commands(name)
    for word, own in names.items():
        assert word in commands, f"the block {name!r} of {GUIDE.name} does not speak of {word!r}"
        commands = commands.replace(word, own)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout
