"""Mermaid's diagrams, which the reader's browser draws, with a script of the site's own."""

import html
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from infra.site.mermaid import SCRIPT


class Diagram(SphinxDirective):
    """What is drawn stands in the page as text, where it is read without scripts, and found by a search."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        text = html.escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid">{text}</pre>', format="html")]


def bring_scripts(app: Sphinx, _: str, __: str, context: dict[str, Any], ___: nodes.document | None) -> None:
    """To pages with diagrams only: it is large."""
    if '<pre class="mermaid"' in context.get("body", ""):
        app.add_js_file(SCRIPT, loading_method="defer")
        app.add_js_file("diagrams.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("mermaid", Diagram)
    app.connect("html-page-context", bring_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
