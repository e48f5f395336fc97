"""What a block of shell asks for: one command after another, as words."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

ASKED = re.compile(r"\$\(at (\w+)\)")
"""The README's function, that looks an address up."""
SET = re.compile(r"([A-Z_][A-Z0-9_]*)=(.*)", re.DOTALL)
DEFINED = re.compile(r"^(\w+)\(\) \{.*\}$", re.MULTILINE)
SEPARATORS = {"&&", "||", "|", ";"}


@dataclass
class Command:
    """`words` begin with the program. `told` are the variables set for it, `reads` the files on its standard input."""

    words: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)


def commands(text: str) -> Iterator[Command]:
    """All that a shell would run; what the text defines, and comments, left out. `$(at x)` becomes `at:x`."""
    plain = ASKED.sub(r"at:\1", DEFINED.sub("", text.replace("\\\n", " ")))
    for line in plain.splitlines():
        yield from _commands(line)


def _commands(line: str) -> Iterator[Command]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";<>|&")
    lexer.whitespace_split = True
    command, words = Command(), list(lexer)
    if any("$(" in word or "`" in word for word in words):
        raise ValueError(f"nobody reads substitutions but $(at …): {line}")
    for place, word in enumerate(words):
        if word in SEPARATORS:
            yield command
            command = Command()
        elif place and words[place - 1] == "<":
            command.reads.append(word)
        elif (variable := SET.fullmatch(word)) and not command.words:
            command.told[variable[1]] = variable[2]
        elif word != "<":
            command.words.append(word)
    if command.words or command.told:
        yield command
