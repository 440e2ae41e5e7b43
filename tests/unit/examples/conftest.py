"""Scripts under test: they lie outside of the packages, because users run them as files."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
WEATHER = ROOT / "manifests" / "examples" / "weather"
DEMO = ROOT / "hack" / "demo"


def load_script(path: Path) -> ModuleType:
    name = f"script_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def weather() -> Path:
    return WEATHER


@pytest.fixture(scope="session")
def observations() -> ModuleType:
    return load_script(WEATHER / "observations.py")


@pytest.fixture(scope="session")
def load() -> ModuleType:
    return load_script(DEMO / "load.py")


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The demo's package with its modules as attributes."""
    sys.path.insert(0, str(DEMO))
    importlib.import_module("serin_demo.story")
    return importlib.import_module("serin_demo")
