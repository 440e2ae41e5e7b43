"""`python hack/chart`: writes what follows from the values' model, the API's models and the chart's templates.

The chart's values.yaml, values.schema.json, README and definitions come first, because the manifests are rendered from
the whole chart by Helm.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from serin_chart.definitions import render_definitions
from serin_chart.documents import fill_values, render_schema, render_values
from serin_chart.manifests import render_files

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "serin"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_chart_files() -> Iterator[tuple[Path, str]]:
    readme = CHART / "README.md"
    yield CHART / "values.yaml", render_values()
    yield CHART / "values.schema.json", render_schema()
    yield readme, fill_values(readme.read_text(encoding="utf-8"))
    for name, text in render_definitions():
        yield CHART / "templates" / "crds" / name, text


def main() -> None:
    for path, text in make_chart_files():
        write(path, text)
    helm = subprocess.run([ROOT / "hack" / "helm"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    for name, text in render_files(Path(helm), CHART):
        write(ROOT / "manifests" / name, text)


if __name__ == "__main__":
    main()
