"""Templates, and how times and numbers read in them. Everything that stands in a page is escaped."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from observer_service.drawing import BOX, chips, short
from observer_service.story import State

HERE = Path(__file__).parent
ROWS = 80
"""So many rows of a story are joined to what they undo; a style sheet has to have a class for each."""

_ROWS = "".join(f".from-{n}{{grid-row-start:{n}}}.to-{n}{{grid-row-end:{n}}}\n" for n in range(1, ROWS + 1))
STATIC: Mapping[str, tuple[bytes, str]] = {
    "page.css": ((HERE / "static/page.css").read_bytes() + _ROWS.encode(), "text/css; charset=utf-8"),
    "page.js": ((HERE / "static/page.js").read_bytes(), "text/javascript; charset=utf-8"),
    "icon.svg": ((HERE / "static/icon.svg").read_bytes(), "image/svg+xml"),
}
"""By name: content and media type."""


def static(name: str) -> str:
    """Its address, which changes with its content: so it may be kept for ever."""
    return f"/ui/static/{name}?{sha256(STATIC[name][0]).hexdigest()[:12]}"


def span(seconds: float) -> str:
    """`12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`: two digits are enough to judge it by."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms" if seconds >= 0.001 else "<1 ms"  # noqa: PLR2004
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    for unit, length, upper in (("s", 1, 100), ("min", 60, 5_400), ("h", 3_600, 172_800)):
        if seconds < upper:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def ago(moment: datetime, now: datetime) -> str:
    """How long it is ago, in whole seconds: the same moment reads the same for as long as it can."""
    seconds = int((now - moment).total_seconds())
    return span(seconds) if seconds >= 10 else f"{max(seconds, 0)} s"  # noqa: PLR2004


def age(moment: datetime, now: datetime) -> str:
    return f"{ago(moment, now)} ago" if (now - moment).total_seconds() >= 1 else "now"


def clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S")


def clock_ms(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def day_and_clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def pretty(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def since(begin: datetime, end: datetime) -> str:
    return span((end - begin) / timedelta(seconds=1))


def path_of(saga_id: str) -> str:
    return f"/ui/sagas/{quote(saga_id, safe='')}"


def sagas_where(**asked: str | None) -> str:
    """The address of the list of these sagas."""
    told = {name: value for name, value in asked.items() if value}
    return f"/ui/sagas?{urlencode(told)}" if told else "/ui/sagas"


_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "age": age,
    "ago": ago,
    "clock": clock,
    "clock_ms": clock_ms,
    "day_and_clock": day_and_clock,
    "iso": datetime.isoformat,
    "path_of": path_of,
    "pretty": pretty,
    "short": short,
    "span": span,
}
_environment.globals |= {
    "BOX": BOX,
    "ROWS": ROWS,
    "State": State,
    "chips": chips,
    "sagas_where": sagas_where,
    "since": since,
    "static": static,
}


def render(template: str, **shown: Any) -> str:
    return _environment.get_template(template).render(shown)
