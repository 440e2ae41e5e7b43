"""manifests/argocd/argocd-cm.yaml: the scripts as a running Argo CD reads them."""

import runpy
from pathlib import Path

import yaml
from unit.argocd.customizations import FOLDER, KINDS, folder_of, load

ROOT = Path(__file__).parents[3]


def test_the_settings_are_those_of_the_scripts() -> None:
    files: dict[Path, str] = runpy.run_path(str(ROOT / "hack" / "generate_argocd.py"))["make_files"]()
    stale = [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make generate"


def test_every_script_reaches_argo_cd_as_it_is() -> None:
    data = load(FOLDER.parent / "argocd-cm.yaml")["data"]
    for kind in KINDS:
        folder = folder_of(kind)
        assert data[f"resource.customizations.health.serin.dev_{kind}"] == (folder / "health.lua").read_text()
        actions = yaml.safe_load(data[f"resource.customizations.actions.serin.dev_{kind}"])
        assert actions["discovery.lua"] == (folder / "actions" / "discovery.lua").read_text()
        scripts = {path.parent.name: path.read_text() for path in (folder / "actions").glob("*/action.lua")}
        assert {entry["name"]: entry["action.lua"] for entry in actions["definitions"]} == scripts
