"""Which revision a spec asks for.

Equality is by value with today's defaults on both sides, `parse(stored) == parse(spec)`: an operator upgrade, a new
field or a reordered manifest is no change. Content is stored whole: the API server keeps the defaults of the day in a
spec, so a revision that left them out would differ from it once a default changes. The hash only names a revision; it
is never compared.
"""

import hashlib
import json
from collections.abc import Sequence

from serin.api.v1alpha1.model_deployment import RevisionContent
from serin.core.facts import RevisionFacts
from serin.core.model_deployment.names import revision_name
from serin.core.model_deployment.pod_template import make_pod_template


def find_or_make_revision(
    model_deployment: str, content: RevisionContent, known: Sequence[RevisionFacts], default_server_image: str
) -> RevisionFacts:
    """The stored revision of this content, or a new one with its pod template."""
    for revision in known:
        if revision.content == content:
            return revision
    name = revision_name(model_deployment, hash_content(content))
    return RevisionFacts(
        name=name,
        number=max((revision.number for revision in known), default=0) + 1,
        content=content,
        template=make_pod_template(model_deployment, name, content, default_server_image),
    )


def hash_content(content: RevisionContent) -> str:
    """Eight hex digits over the canonical JSON of the whole content: no default of another day makes two alike."""
    canonical = json.dumps(content.to_wire(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]
