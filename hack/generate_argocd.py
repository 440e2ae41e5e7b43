"""Writes manifests/argocd/argocd-cm.yaml: the Lua files below resource_customizations/ as the settings of an Argo CD.

The files lie as in Argo CD's own tree, so that they may go there one day without a change.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

FOLDER = Path(__file__).parents[1] / "manifests" / "argocd"

HEADER = """\
# Generated from resource_customizations/ by hack/generate_argocd.py. Do not edit.
# Health and actions of Serin's kinds for Argo CD. Into an Argo CD that runs:
#   kubectl -n argocd patch configmap argocd-cm --patch-file manifests/argocd/argocd-cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/part-of: argocd
data:
"""


def make_files() -> dict[Path, str]:
    """From group/Kind/health.lua, group/Kind/actions/discovery.lua and group/Kind/actions/NAME/action.lua."""
    kinds = sorted(path.parent for path in (FOLDER / "resource_customizations").glob("*/*/health.lua"))
    return {FOLDER / "argocd-cm.yaml": HEADER + "".join(entry for kind in kinds for entry in _make_entries(kind))}


def _make_entries(kind: Path) -> Iterator[str]:
    name = f"{kind.parent.name}_{kind.name}"
    yield _block(f"resource.customizations.health.{name}", (kind / "health.lua").read_text(encoding="utf-8"), 2)
    yield _block(f"resource.customizations.actions.{name}", _make_actions(kind / "actions"), 2)


def _make_actions(folder: Path) -> str:
    """Itself YAML, in which every script is a text."""
    definitions = "".join(
        f"- name: {script.parent.name}\n" + _block("action.lua", script.read_text(encoding="utf-8"), 2)
        for script in sorted(folder.glob("*/action.lua"))
    )
    discovery = _block("discovery.lua", (folder / "discovery.lua").read_text(encoding="utf-8"), 0)
    return f"{discovery}definitions:\n{definitions}"


def _block(key: str, text: str, spaces: int) -> str:
    """An entry of a map, so far from the margin, with the text as it is."""
    margin = " " * spaces
    return f"{margin}{key}: |\n{indent(text, margin + '  ')}"


if __name__ == "__main__":
    for path, content in make_files().items():
        path.write_text(content, encoding="utf-8")
