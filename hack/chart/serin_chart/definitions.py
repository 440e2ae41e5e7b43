"""The custom resource definitions as templates of the chart.

They are templates and no `crds/` folder, because Helm installs that once and never upgrades it.
"""

from collections.abc import Iterator

import yaml
from serin.api.crd import KINDS, make_crd

HEADER = "{{- /* Generated from operator/serin/api by `make generate`. Do not edit. */ -}}\n"


class PlainDumper(yaml.SafeDumper):
    """Every value written out: no reader expects anchors in a definition."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (the base names it)
        return True


def render_definitions() -> Iterator[tuple[str, str]]:
    """Name of the file and its text, for each kind."""
    for kind in KINDS:
        crd = make_crd(kind)
        spec = yaml.dump({"spec": crd["spec"]}, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=120)
        lines = [
            "{{- if .Values.crds.install }}",
            f"apiVersion: {crd['apiVersion']}",
            f"kind: {crd['kind']}",
            "metadata:",
            f"  name: {crd['metadata']['name']}",
            '  labels: {{- include "serin.labels" . | nindent 4 }}',
            '  {{- with include "serin.crdAnnotations" . }}',
            "  annotations: {{- . | nindent 4 }}",
            "  {{- end }}",
            _escape(spec).rstrip("\n"),
            "{{- end }}",
        ]
        yield f"{kind.plural}.yaml", HEADER + "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    """Braces in a description are no template."""
    return text.replace("{{", '{{ "{{" }}')
