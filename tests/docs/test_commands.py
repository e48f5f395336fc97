"""Every command that the docs name exists, and takes what it is given there."""

import pytest

from tests.docs.blocks import ROOT, Block, Kind, blocks_of, spans
from tests.docs.programs import expect, expect_all
from tests.docs.shell import commands

NAMED = sorted({(page, text) for page, text in spans() if text.startswith(("saga ", "make ", "python -m ", "curl "))})
ANY = {"COMMAND": "check", "NAME": "bank_transfer"}


@pytest.fixture(autouse=True)
def _where_they_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("block", blocks_of(Kind.COMMANDS), ids=str)
def test_the_commands_of_a_block_exist(block: Block) -> None:
    expect_all(block.text)


@pytest.mark.parametrize(("page", "text"), NAMED)
def test_a_command_that_a_sentence_names_exists(page: str, text: str) -> None:
    """It may be told without what it needs, and with a word for any of several."""
    for command in commands(text):
        command.words += ["--help"] if command.words[0] == "saga" else []
        command.words = [ANY.get(word, word) for word in command.words]
        expect(command)


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("saga chekc", "chekc"),
        ("saga check --skemas docs/schemas", "skemas"),
        ("saga publish order.placed.v1 docs/examples/no.json", "no.json"),
        ("saga publish order.placed.v1 - < docs/examples/no.json", "no.json"),
        ("make demmo", "demmo"),
        ("python -m infra.loca run", "infra.loca"),
        ("python -m infra.local run -- saga exlpore", "exlpore"),
        ("python -m benchmarks --onyl latency", "onyl"),
        ("SAGA_LOCALE=binaries saga check", "SAGA_LOCALE"),
        ("export PAYMENT_OLTP_ENDPOINT=x", "PAYMENT_OLTP_ENDPOINT"),
        ("curl $(at order)/order/1", "/order/1"),
        ("curl -X PUT $(at order)/orders/1", "PUT"),
        ("curl $(at oder)/orders/1", "oder"),
        ("docker compose --profile observable up", "observable"),
        ("kubectl apply", "kubectl"),
    ],
)
def test_what_does_not_exist_is_noticed(text: str, clue: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((Exception, SystemExit)) as wrong:
        expect_all(text)
    assert clue in f"{wrong.value}{capsys.readouterr().err}"
