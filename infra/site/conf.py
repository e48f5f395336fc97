"""How Sphinx makes the site. Pages stay where they are in the repository, so that a link holds there and here."""

import inspect
import re
from typing import Any

from pygments.lexers.sql import PostgresLexer
from sphinx.application import Sphinx
from sphinx.highlighting import lexers

import saga.exploring  # noqa: F401 — first, with FastAPI: autodoc rewrites annotations of pydantic's base class

project = "Choreographed saga"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "infra.site.diagrams",
    "infra.site.sources",
]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "*_service/README.md", "examples/**.md", "infra/**.md"]
exclude_patterns = [".*", "**/node_modules"]

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
highlight_language = "none"
lexers["sql"] = PostgresLexer()  # whose parameters are $1, $2

default_role = "code"  # docstrings say `code`, as Markdown does
add_module_names = False
python_use_unqualified_type_names = True
autodoc_default_options = {"members": True, "exclude-members": "model_config"}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = project
html_static_path = ["static", "../../.docs/scripts"]
html_css_files = ["site.css"]
html_favicon = "../../observer_service/static/icon.svg"
html_additional_pages = {"index": "redirect.html"}
templates_path = ["templates"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

ON_THE_SITE = re.compile(r"^<!-- on the site\n(.*?)^-->$", re.DOTALL | re.MULTILINE)
"""What a page has for the site only, such as a table of contents: a comment, where Markdown is read elsewhere."""

SCROLLS = re.compile(r'<(pre(?: [^>]*)?|div class="table-wrapper[^>]*)>')


def uncomment(_: Sphinx, __: str, source: list[str]) -> None:
    source[0] = ON_THE_SITE.sub(r"\1", source[0])


def shorten(_: Sphinx, __: str, ___: str, shown: Any, ____: Any, signature: str | None, returned: str | None) -> Any:
    """Where fields are validated, their names will do: their schema says how."""
    if isinstance(shown, type) and "Annotated[" in (signature or ""):
        fields = inspect.signature(shown).parameters.values()
        names = (field.name if field.default is field.empty else f"{field.name}=..." for field in fields)
        return f"({', '.join(names)})", returned
    return signature and signature.replace("<factory>", "..."), returned


def make_reachable(_: Sphinx, __: str, ___: str, context: dict[str, Any], ____: Any) -> None:
    """What scrolls is scrolled by keys, too; and Furo's captions, which are headings, are told as those of a level."""
    tree, body = str(context.get("furo_navigation_tree", "")), str(context.get("body", ""))
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    context["body"] = SCROLLS.sub(r'<\1 tabindex="0">', body)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", uncomment)
    app.connect("autodoc-process-signature", shorten)
    app.connect("html-page-context", make_reachable, priority=900)  # after Furo
    return {"parallel_read_safe": True, "parallel_write_safe": True}
