"""Links to the repository's files and folders that are no pages of the site: there, a page shows each of them."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.highlighting import PygmentsBridge
from sphinx.transforms import SphinxTransform

PREFIX = "source/"
"""Of the names of these pages; what follows is the path in the repository."""

Page = tuple[str, dict[str, Any], str]


class ShowSources(SphinxTransform):
    """Links to what exists and is no page. The others are left to those who complain of them."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        links = [*self.document.findall(addnodes.download_reference), *self.document.findall(addnodes.pending_xref)]
        for link in links:
            if link.get("reftype") == "myst" and link.get("refdomain") is None:
                self._lead(link)

    def _lead(self, link: nodes.Element) -> None:
        name, path = self.env.relfn2path(link["reftarget"], self.env.docname)
        if not Path(path).exists():
            return
        uri = self.app.builder.get_relative_uri(self.env.docname, page_of(self.env, name))
        link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True, shows=name))


def page_of(environment: BuildEnvironment, name: str) -> str:
    """The page that shows what has this name in the repository: its own, its README, or one that is made here."""
    own = (name.removesuffix(".md"), f"{name}/README")
    return next((page for page in own if page in environment.found_docs), PREFIX + name)


def pages(app: Sphinx) -> Iterator[Page]:
    """One for each file and folder that a link leads to, and for what is in these folders."""
    to_show, shown = linked(app.env), set[str]()
    while to_show:
        name = to_show.pop()
        page = page_of(app.env, name)
        if name not in shown and page.startswith(PREFIX):
            shown.add(name)
            path = Path(app.srcdir, name)
            inside = contents(path) if path.is_dir() else []
            to_show |= {f"{name}/{child.name}" for child in inside}
            body = listing(app, name, inside) if path.is_dir() else text(path)
            yield page, {"title": name, "body": f"<h1>{html.escape(name)}</h1>{body}"}, "page.html"


def linked(environment: BuildEnvironment) -> set[str]:
    documents = (environment.get_doctree(name) for name in environment.found_docs)
    links = (link for document in documents for link in document.findall(nodes.reference))
    return {link["shows"] for link in links if "shows" in link}


def contents(folder: Path) -> list[Path]:
    """What is in it, without what Python and editors leave there."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__pycache__", "node_modules")))


def listing(app: Sphinx, folder: str, inside: list[Path]) -> str:
    here, items = PREFIX + folder, []
    for child in inside:
        uri = app.builder.get_relative_uri(here, page_of(app.env, f"{folder}/{child.name}"))
        items.append(f'<li><a href="{uri}">{html.escape(child.name)}{"/" * child.is_dir()}</a></li>')
    return f"<ul>{''.join(items)}</ul>"


def text(file: Path) -> str:
    """Coloured, where its name tells the language."""
    try:
        language = get_lexer_for_filename(file.name).aliases[0]
    except ClassNotFound:
        language = "text"
    try:
        code = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "<p>It is no text.</p>"
    return PygmentsBridge("html").highlight_block(code, language, force=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(ShowSources)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
