"""The page under `/docs`: what the server can be asked, and a form to ask it. One file, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

import orjson

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
textarea, pre {{ width: 100%; box-sizing: border-box; font: 14px monospace; padding: .5rem; overflow: auto }}
pre {{ background: #8881 }} code {{ font-weight: bold }}
</style>
<h1>{title}</h1>
<p>Also as <a href="openapi.json">OpenAPI 3.1</a>.</p>
<h2>Try it</h2>
<form><textarea rows="6">{example}</textarea><p><button>POST /predict</button></p><pre id="answer"></pre></form>
<h2>What can be asked</h2>
{operations}
<script>
document.forms[0].onsubmit = async event => {{
  event.preventDefault();
  const headers = {{"Content-Type": "application/json"}};
  const body = document.querySelector("textarea").value;
  const answer = await fetch("predict", {{method: "POST", headers, body}});
  document.getElementById("answer").textContent = answer.status + " " + await answer.text();
}};
</script>
"""


def render_docs_page(openapi: dict[str, Any], example: Any) -> bytes:
    operations = [
        _render_operation(method, path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    page = _PAGE.format(
        title=escape(openapi["info"]["title"]),
        example=escape(orjson.dumps(example).decode()),
        operations="\n".join(operations),
    )
    return page.encode()


def make_example(schema: dict[str, Any]) -> Any:
    """The smallest value that the schema allows."""
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if kind == "array":
        return [make_example(schema["items"]) for _ in range(schema.get("minItems", 1))]
    if kind == "object":
        return {name: make_example(each) for name, each in schema["properties"].items()}
    return {"boolean": False, "string": ""}.get(kind, 0)


def _render_operation(method: str, path: str, operation: dict[str, Any]) -> str:
    contents = operation.get("requestBody", {}).get("content", {})
    schemas = [orjson.dumps(each["schema"], option=orjson.OPT_INDENT_2).decode() for each in contents.values()]
    shown = "".join(
        f"<details><summary>{escape(kind)}</summary><pre>{escape(schema)}</pre></details>"
        for kind, schema in zip(contents, schemas, strict=True)
    )
    return f"<p><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</p>{shown}"
