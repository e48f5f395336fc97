"""Make the schemas, the choreographies, the canvases and the dashboards from the code: `python -m infra.generate`.

With `--check`, write nothing and exit with 1, naming each file that is stale. An event that needs a new version, since
messages or readers of before wouldn't do any more, is refused.
"""

import argparse
import sys
from pathlib import Path

from infra.generate import ROOT, SCHEMAS, spoken, stale
from saga.checking import outgrown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    check: bool = parser.parse_args().check
    if findings := list(outgrown(spoken(), ROOT / SCHEMAS)):
        print(*findings, sep="\n")
        return 1
    outdated = stale()
    for path, text in outdated.items():
        print(f"{path} is {'stale: run make generate' if check else 'made anew'}")
        if not check:
            write(ROOT / path, text)
    return int(check and bool(outdated))


def write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
