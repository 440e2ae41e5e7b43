"""Golden files: what a maker made, as JSON to read in review. `SERIN_WRITE_GOLDEN=1 pytest …` writes them anew."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, made: Mapping[str, Any]) -> None:
    path = FOLDER / f"{name}.json"
    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("SERIN_WRITE_GOLDEN"):
        path.write_text(text)
    assert json.loads(path.read_text()) == json.loads(text), f"{path.name} differs from what is made now"
