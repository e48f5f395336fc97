"""Whoever hears an event has to understand it as the contract has it by example."""

import json
import shutil
from pathlib import Path

import pytest

from infra.generate import ROOT
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga.checking import misunderstood
from saga.cli import main
from shipping_service.handlers import shipping

SERVICES = [order, inventory, payment, shipping]
CAPTURED = "payment.captured.v1"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the contract's, to be spoilt."""
    return Path(shutil.copytree(ROOT / "tests/contract/examples", tmp_path / "examples"))


def problems(folder: Path) -> list[str]:
    return [finding.problem for finding in misunderstood(SERVICES, folder)]


def test_everybody_understands_the_contract(examples: Path) -> None:
    assert problems(examples) == []


def test_an_example_that_is_not_understood_any_more_is_told_for_each_who_hears_it(examples: Path) -> None:
    file = examples / f"{CAPTURED}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"amount": "9980"}))
    found = list(misunderstood(SERVICES, examples))
    assert [finding.problem for finding in found] == [
        f"order doesn't understand {CAPTURED} as in {file} any more",
        f"shipping doesn't understand {CAPTURED} as in {file} any more",
    ]
    assert [finding.trace for finding in found] == [
        [f"not a valid {CAPTURED}: amount: Input should be a valid integer"]
    ] * 2


def test_an_event_that_somebody_hears_has_an_example(examples: Path) -> None:
    (examples / f"{CAPTURED}.json").unlink()
    assert problems(examples) == [
        f"order hears {CAPTURED}, of which there is no example in {examples}",
        f"shipping hears {CAPTURED}, of which there is no example in {examples}",
    ]


def test_one_of_several_examples_of_an_event_is_told_by_its_name(examples: Path) -> None:
    (examples / f"{CAPTURED}.null.json").write_text("null")
    (examples / "payment.captured.v10.json").write_text("that is another event")
    assert all(f"{CAPTURED}.null.json" in problem for problem in problems(examples))
    assert len(problems(examples)) == 2


def test_the_check_fails_by_an_example_alone(
    examples: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["saga", "check", "--repeats", "1", "--examples", str(examples)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, "✓ proven" in capsys.readouterr().out) == (0, True)
    (examples / f"{CAPTURED}.json").unlink()
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().out
    assert (ended.value.code, "✓ proven" in told) == (1, False)
    assert f"✗ shipping hears {CAPTURED}, of which there is no example in {examples}" in told
