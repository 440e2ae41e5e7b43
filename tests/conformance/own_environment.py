"""Programs of others whose packages clash with the project's: each runs in an environment of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def prepare_environment(name: str) -> Path:
    """The Python of `environments/<name>.lock`; installed at the first call, then kept in the user's cache."""
    lock = ROOT / "tests" / "conformance" / "environments" / f"{name}.lock"
    found = subprocess.run(
        [ROOT / "hack" / "locked-venv", lock], stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return Path(found.stdout.strip())


def find_file(path: str) -> Path:
    """A file inside one of the packages of `environments/files.lock`, which are there for their files only."""
    environment = prepare_environment("files").parents[1]
    return next(environment.glob(f"lib/python*/site-packages/{path}"))
