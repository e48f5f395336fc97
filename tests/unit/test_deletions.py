"""Nothing can be taken out of a saga without the check missing it, but for what is no part of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import pytest

from events import Event
from examples.__main__ import names, scenario
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga import Call, Service
from saga.checking import check
from saga.declarations import Refusing, Settlement, Step, kind_of
from saga.messages import wire_name
from shipping_service.handlers import shipping

Saga = Sequence[Service]
Declared = Step | Settlement | Refusing

SAGAS: Mapping[str, Saga] = {
    "orders": [order, inventory, payment, shipping],
    **{name: scenario(name).services for name in names()},
}

NEEDLESS = {
    "bank_transfer without giro.note_landing": "it only listens: giro's books want to know, and no other bank waits",
    "multi_warehouse without depot.note_arrival": "it only listens, as the depot's books do",
    "travel_booking without trips.note_trip": "it only listens: who asks may look how the trip stands",
    "subscription without billing.begin_term": "it only listens: the next term is another saga, which a clock begins",
    "subscription without notification.say_welcome": "that access was granted is heard by billing, too, and nobody has "
    "declared that a customer must have mail of it",
    "subscription without CustomerNotified of notification.record_mail": "notification says nothing at all then, and "
    "for such a service nobody can wait",
    "subscription without TermRefunded of billing.refund_term": "access is refused to who has paid only, so there is "
    "always something to refund, which `record_refund` tells",
}
"""What the check doesn't miss, and why that is right."""


class Mutant(NamedTuple):
    """A saga without something. Of these clues the check has to tell one: as what is wrong, or else in its story."""

    name: str
    services: Saga
    wrong: set[str]
    story: frozenset[str] = frozenset()


def declarations(saga: Saga) -> Iterator[tuple[Service, Declared]]:
    for service in saga:
        yield from ((service, step) for step in service.steps.values())
        yield from ((service, settlement) for settlement in service.settlements.values())
        yield from ((service, refusing) for refusing in service.refusals.values())


def changed(saga: Saga, service: Service, old: Declared, new: Declared | None) -> Saga:
    """The services, with one declaration changed or gone."""
    match old:
        case Step():
            steps = {name: new if step is old else step for name, step in service.steps.items()}
            other = _unbound(replace(service, steps={n: s for n, s in steps.items() if isinstance(s, Step)}))
        case Settlement():
            settlements = {call: new if s is old else s for call, s in service.settlements.items()}
            other = replace(service, settlements={c: s for c, s in settlements.items() if isinstance(s, Settlement)})
        case Refusing():
            refusals = {step: new if r is old else r for step, r in service.refusals.items()}
            other = replace(service, refusals={n: r for n, r in refusals.items() if isinstance(r, Refusing)})
    return [other if each is service else each for each in saga]


def _unbound(service: Service) -> Service:
    """Without what names a step that is gone: no interpreter would import that."""
    kept = {step.name for step in service.steps.values()}
    steps = {
        name: replace(
            step,
            undoes=step.undoes if step.undoes and step.undoes.name in kept else None,
            too_late=step.too_late if step.undoes and step.undoes.name in kept else None,
            after=step.after if step.after and step.after.name in kept else None,
        )
        for name, step in service.steps.items()
    }
    return replace(service, steps=steps, refusals={n: r for n, r in service.refusals.items() if n in kept})


def as_declared(saga: Saga, step: Step, answers: frozenset[type[Event | Call]], undoes: Step | None) -> Step:
    """As its decorator would have declared it with these: its kind follows from them, unless it was told."""
    undone = any(other.undoes and other.undoes.name == step.name for s in saga for other in s.steps.values())
    told = undone or step.kind is not kind_of(step.hears, step.answers, step.undoes)
    kind = step.kind if told else kind_of(step.hears, answers, undoes)
    too_late = step.too_late if undoes and step.too_late in answers else None
    return replace(step, answers=answers, undoes=undoes, too_late=too_late, kind=kind)


def deleted_handlers(saga: Saga) -> Iterator[Mutant]:
    """A step that is gone is missed by what it says, or by what it hears."""
    for service, declared in declarations(saga):
        clues = {wire_name(answer) for answer in declared.answers}
        if isinstance(declared, Settlement):
            clues = {wire_name(declared.call)}
        elif isinstance(declared, Step):
            clues |= {wire_name(heard) for heard in declared.hears} | {f"{service.name} hears nothing of it"}
        yield Mutant(f"{service.name}.{declared.name}", changed(saga, service, declared, None), clues)


def deleted_undoes(saga: Saga) -> Iterator[Mutant]:
    for service, step in declarations(saga):
        if isinstance(step, Step) and step.undoes:
            other = changed(saga, service, step, as_declared(saga, step, step.answers, None))
            clue = f"no step undoes {service.name}.{step.undoes.name}"
            yield Mutant(f"the undoes= of {service.name}.{step.name}", other, {clue})


def deleted_answers(saga: Saga) -> Iterator[Mutant]:
    for service, declared in declarations(saga):
        for answer in sorted(declared.answers, key=wire_name):
            left = declared.answers - {answer}
            if isinstance(declared, Step):
                less: Declared = as_declared(saga, declared, left, declared.undoes)
            else:
                less = replace(declared, answers=left)  # type: ignore[arg-type] # a part of what it had
            name = f"{answer.__name__} of {service.name}.{declared.name}"
            clues = frozenset({wire_name(answer), *ids(service, declared)})
            yield Mutant(name, changed(saga, service, declared, less), set(), clues)


def ids(service: Service, declared: Declared) -> set[str]:
    """The step that it is, or those that ask for what it settles."""
    asking = {
        step.name
        for step in service.steps.values()
        if isinstance(declared, Settlement) and declared.call in step.answers
    }
    return {f"{service.name}.{name}" for name in asking or {declared.name}}


def mutants(saga: Saga) -> Iterator[Mutant]:
    return chain(deleted_handlers(saga), deleted_undoes(saga), deleted_answers(saga))


MUTANTS = {f"{name} without {mutant.name}": mutant for name, saga in SAGAS.items() for mutant in mutants(saga)}


@pytest.mark.parametrize("name", SAGAS)
def test_with_all_of_it_a_saga_is_proven(name: str) -> None:
    report = check(SAGAS[name], repeats=1)
    assert report.proven, "\n".join(map(str, report.findings))


@pytest.mark.parametrize("name", SAGAS)
def test_every_handler_undo_and_answer_is_taken_out_once(name: str) -> None:
    declared = [declared for _, declared in declarations(SAGAS[name])]
    undos = [step for step in declared if isinstance(step, Step) and step.undoes]
    answers = [answer for each in declared for answer in each.answers]
    taken = [mutant for mutant in MUTANTS if mutant.startswith(f"{name} without ")]
    assert len(taken) == len(declared) + len(undos) + len(answers)
    assert undos


@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in NEEDLESS])
def test_what_is_taken_out_is_missed_and_named(name: str) -> None:
    mutant = MUTANTS[name]
    findings = check(mutant.services, repeats=1).findings
    wrong = any(clue in finding.problem for clue in mutant.wrong for finding in findings)
    assert wrong or any(clue in str(finding) for clue in mutant.story for finding in findings), findings


@pytest.mark.parametrize("name", NEEDLESS)
def test_a_saga_is_sound_without_what_is_no_part_of_it(name: str) -> None:
    assert check(MUTANTS[name].services, repeats=1).proven, NEEDLESS[name]
