"""Make the docs' site: `python -m infra.site`. Whatever isn't right, a link that leads nowhere above all, fails it.

With `--check`, only find out whether it can be made: no page is written, and nothing is asked of the network.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from infra.site import mermaid

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MADE = ROOT / ".docs"
SITE = MADE / "site"
SCRIPTS = MADE / "scripts"
"""What the site's pages load besides our own; `conf.py` takes it from there."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.site", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only find out whether it can be made")
    if parser.parse_args().check:
        return build("dummy", MADE / "checked")
    shutil.rmtree(SITE, ignore_errors=True)
    try:
        mermaid.bring(SCRIPTS)
    except mermaid.NotToBeHad as error:
        print(error, file=sys.stderr)
        return 1
    code = build("html", SITE)
    if code == 0:
        print(f"Open {os.path.relpath(SITE / 'index.html')}")
    return code


def build(builder: str, into: Path) -> int:
    """Sphinx's exit code. All is made anew each time: it takes seconds, and what is kept may be stale."""
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    how = ["--quiet", "--fresh-env", "--fail-on-warning", "--keep-going", "--builder", builder]
    return build_main([*how, "--conf-dir", str(HERE), "--doctree-dir", str(MADE / "doctrees"), str(ROOT), str(into)])


if __name__ == "__main__":
    sys.exit(main())
