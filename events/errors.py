"""What can be wrong with a message from outside.

InvalidMessage
├── BodyTooLarge     more bytes than any event needs
├── UnknownType      nobody here speaks this type
├── TypeMismatch     the body says another type than the routing key
└── InvalidContent   not JSON, or not the shape that its type demands
"""

from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails


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
        return f"unknown event type {self.type!r}"


@dataclass
class TypeMismatch(InvalidMessage):
    stated: str
    routed: str

    def __str__(self) -> str:
        return f"the message says it is {self.stated!r}, but its routing key is {self.routed!r}"


@dataclass
class InvalidContent(InvalidMessage):
    """Each problem names the field by its path and says what it should be."""

    type: str
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"not a valid {self.type}: " + "; ".join(self.problems)

    @classmethod
    def of(cls, type_: str, error: ValidationError, *, most: int = 5) -> "InvalidContent":
        """Name at most `most` problems: the texts hold no values, since these may be personal."""
        details = error.errors(include_url=False, include_context=False, include_input=False)
        details = [detail for detail in details if not _follows_from(detail["loc"], details)]
        problems = [f"{_path(detail['loc'])}{detail['msg']}" for detail in details[:most]]
        if len(details) > most:
            problems.append(f"and {len(details) - most} more")
        return cls(type_, tuple(problems))


def _follows_from(location: tuple[int | str, ...], details: list[ErrorDetails]) -> bool:
    """A list whose only item is wrong is reported as empty, too."""
    deeper = (detail["loc"] for detail in details if len(detail["loc"]) > len(location) > 0)
    return any(loc[: len(location)] == location for loc in deeper)


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) + ": " if location else ""
