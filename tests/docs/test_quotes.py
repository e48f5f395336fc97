"""What the examples' pages quote stands in the examples."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, Kind, blocks_of

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(code: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(code)) if isinstance(node, Function))


def agrees(quoted: Function, real: Function) -> bool:
    """But for its docstring, and for what the quote leaves out: annotations, and a body that is `...`."""
    if quoted.name != real.name or list(map(ast.unparse, quoted.decorator_list)) != list(
        map(ast.unparse, real.decorator_list)
    ):
        return False
    named, told = quoted.args.args, real.args.args
    if [argument.arg for argument in named] != [argument.arg for argument in told]:
        return False
    pairs = [(mine.annotation, its.annotation) for mine, its in zip(named, told, strict=True)]
    return all(mine is None or same(mine, its) for mine, its in [*pairs, (quoted.returns, real.returns)]) and (
        body(quoted) in {"...", body(real)}
    )


def same(one: ast.AST | None, other: ast.AST | None) -> bool:
    return one is not None and other is not None and ast.unparse(one) == ast.unparse(other)


def body(function: Function) -> str:
    told = function.body[1:] if ast.get_docstring(function) else function.body
    return "\n".join(map(ast.unparse, told)) or "..."


@pytest.mark.parametrize("block", blocks_of(Kind.QUOTED), ids=str)
def test_a_quote_agrees_with_the_code(block: Block) -> None:
    files = Path(ROOT, block.page).parent.rglob("*.py")
    real = [function for file in files for function in functions(file.read_text(encoding="utf-8"))]
    quoted = list(functions(block.text))
    assert quoted
    assert [one.name for one in quoted if not any(agrees(one, other) for other in real)] == []


REAL = """
@trips.join(Booked, undoes=book)
async def close(booked: Booked, tx: Tx) -> Closed:
    "Say so."
    return Closed()
"""


@pytest.mark.parametrize(
    ("quote", "agrees_"),
    [
        (REAL, True),
        ("@trips.join(Booked, undoes=book)\nasync def close(booked: Booked, tx: Tx) -> Closed: ...", True),
        ("@trips.join(Booked, undoes=book)\nasync def close(booked, tx) -> Closed: ...", True),
        ("@trips.join(Booked)\nasync def close(booked: Booked, tx: Tx) -> Closed: ...", False),
        ("@trips.join(Booked, undoes=book)\nasync def close(booked: Refused, tx: Tx) -> Closed: ...", False),
        ("@trips.join(Booked, undoes=book)\nasync def close(booked: Booked) -> Closed: ...", False),
        ("@trips.join(Booked, undoes=book)\nasync def close(booked: Booked, tx: Tx) -> Shut: ...", False),
        (REAL.replace("return Closed()", "return None"), False),
        (REAL.replace("close", "shut"), False),
    ],
)
def test_what_does_not_agree_is_noticed(quote: str, agrees_: bool) -> None:  # noqa: FBT001 — a column of the table
    (quoted,), (real,) = functions(quote), functions(REAL)
    assert agrees(quoted, real) is agrees_
