"""What can be wrong with a message from outside.

InvalidMessage
├── BodyTooLarge     more bytes than any event needs
├── UnknownType      nobody here speaks this type
├── TypeMismatch     the body says another type than the routing key
└── InvalidContent   not JSON, or not the shape that its type demands
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

_LONGEST = 120
"""Characters of what was sent that an error's text repeats."""

_FLOOD = 1_000
"""Problems. An order of a hundred lines, all wrong, has fewer."""


class InvalidMessage(Exception):
    """The message can't be understood, and never will be: trying again is of no use."""


@dataclass
class BodyTooLarge(InvalidMessage):
    size: int
    limit: int

    def __str__(self) -> str:
        return f"the body has {self.size:,} bytes, and at most {self.limit:,} are accepted"


@dataclass
class UnknownType(InvalidMessage):
    type: str

    def __str__(self) -> str:
        return f"unknown event type {_shown(self.type)}"


@dataclass
class TypeMismatch(InvalidMessage):
    stated: str
    routed: str

    def __str__(self) -> str:
        return f"the message says it is {_shown(self.stated)}, but its routing key is {_shown(self.routed)}"


@dataclass
class InvalidContent(InvalidMessage):
    """Each problem names the field by its path and says what it should be."""

    type: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"not a valid {self.type}: " + "; ".join(self.problems)

    @classmethod
    def of(cls, type_: str, error: ValidationError, *, most: int = 5) -> "InvalidContent":
        """Name at most `most` problems: the texts hold no values, since these may be personal.

        Of a flood none is named: to list what is wrong with a megabyte of empty lines takes seconds.
        """
        if error.error_count() > _FLOOD:
            return cls(type_, (f"{error.error_count():,} problems, too many to name one",))
        details = error.errors(include_url=False, include_context=False, include_input=False)
        followed = explained(detail["loc"] for detail in details)
        details = [detail for detail in details if detail["loc"] not in followed]
        problems = [f"{_path(detail['loc'])}{detail['msg']}" for detail in details[:most]]
        if len(details) > most:
            problems.append(f"and {len(details) - most} more")
        return cls(type_, tuple(problems))


def explained(places: Iterable[tuple[int | str, ...]]) -> set[tuple[int | str, ...]]:
    """The places whose problems follow from deeper ones: a list whose only item is wrong is reported as empty, too."""
    return {place[:depth] for place in places for depth in range(1, len(place))}


def _shown(text: str) -> str:
    """A type name that was sent may be a megabyte, or no name at all."""
    shown = repr(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) + ": " if location else ""
