"""Whether an event may still be called what it was called before: messages outlive the programs that wrote them.

Old messages meet new readers, in queues and archives, and new messages meet old readers, while a release is under way.
So within its version an event may gain or lose optional fields, and nothing else of what a reader goes by may change.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from events import Event
from saga.checking.findings import Finding

Schema = Mapping[str, Any]

PROSE = frozenset({"title", "description", "default", "examples", "personal", "$id", "$schema", "$defs", "$ref"})
NESTED = frozenset({"properties", "required", "items", "anyOf", "oneOf", "allOf"})


def outgrown(events: Iterable[type[Event]], folder: Path) -> Iterator[Finding]:
    """Which events have changed otherwise since their schemas, `<event type>.json`, were written into this folder."""
    for event in events:
        path = folder / f"{event.event_type}.json"
        if not path.exists():
            continue
        before = json.loads(path.read_text(encoding="utf-8"))
        if changes := list(incompatible(before, event.model_json_schema())):
            yield Finding(f"{event.event_type} isn't what it was in {path}: it needs a new version", changes)


def incompatible(before: Schema, after: Schema) -> Iterator[str]:
    """What a reader or a message of one of these JSON Schemas would find wrong with the other."""
    yield from _differences(before, after, before, after, "")


def _differences(before: Schema, after: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    before, after = _resolved(before, old_root), _resolved(after, new_root)
    where = at or "it"
    for keyword in sorted((before.keys() | after.keys()) - PROSE - NESTED):
        if before.get(keyword) != after.get(keyword):
            yield f"{where}: {_change(keyword, before.get(keyword), after.get(keyword))}"
    yield from _fields(before, after, old_root, new_root, at)
    if "items" in before and "items" in after:
        yield from _differences(before["items"], after["items"], old_root, new_root, f"{at}[]")
    elif ("items" in before) is not ("items" in after):
        yield f"{where}: what it holds was {'' if 'items' in before else 'not '}told before"
    for keyword in ("anyOf", "oneOf", "allOf"):
        olds, news = before.get(keyword, ()), after.get(keyword, ())
        if len(olds) != len(news):
            yield f"{where}: it was one of {len(olds)} alternatives, and is one of {len(news)}"
            continue
        for old, new in zip(olds, news, strict=True):
            yield from _differences(old, new, old_root, new_root, at)


def _fields(before: Schema, after: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    olds, news = before.get("properties", {}), after.get("properties", {})
    needed, always = set(before.get("required", ())), set(after.get("required", ()))
    for name in sorted(needed - always):
        gone = "is gone" if name not in news else "may be missing now"
        yield f"{_join(at, name)} {gone}, and readers of before need it"
    for name in sorted(always - needed):
        yield f"{_join(at, name)} is required now, and messages of before may not have it"
    for name in sorted(olds.keys() & news.keys()):
        yield from _differences(olds[name], news[name], old_root, new_root, _join(at, name))


def _change(keyword: str, before: Any, after: Any) -> str:
    if isinstance(before, Sequence) and isinstance(after, Sequence) and not isinstance(before, str):
        gone = ", ".join(str(value) for value in before if value not in after)
        new = ", ".join(str(value) for value in after if value not in before)
        told = (gone and f"no longer has {gone}", new and f"now has {new}")
        return f"{keyword} {' and '.join(filter(None, told))}"
    return f"{keyword} was {'not told' if before is None else before} and is {'not told' if after is None else after}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Where it refers to a definition, that, with what it says beside."""
    if "$ref" not in schema:
        return schema
    definition = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return {**_resolved(definition, root), **{k: v for k, v in schema.items() if k != "$ref"}}


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
