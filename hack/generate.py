"""Writes what follows from the API models: the definitions in crds/ and the field reference in docs/reference/api.md.

Run `python hack/generate.py` after any change below operator/serin/api; the same models give the same bytes.
"""

from pathlib import Path

import yaml
from serin.api.crd import KINDS, make_crd

ROOT = Path(__file__).parents[1]
HEADER = "# Generated from operator/serin/api by hack/generate.py. Do not edit.\n"


class PlainDumper(yaml.SafeDumper):
    """Every value written out: anchors save nothing here and no reader expects them in a definition."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (named by the base)
        return True


def main() -> None:
    for kind in KINDS:
        crd = make_crd(kind)
        text = yaml.dump(crd, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=120)
        (ROOT / "crds" / f"{kind.plural}.yaml").write_text(HEADER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
