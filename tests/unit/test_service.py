"""A handler's annotations are the choreography; a declaration that can't be right is refused at import."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Optional, Protocol, Union

import pytest

from events import AboutOrder, Event
from saga import Call, Command, Kind, Service, Tx
from saga.errors import ChoreographyError, UndeclaredAnswer
from saga.participant import Consequences
from saga.testing import enveloped
from tests.builders import order_placed


class Asked(AboutOrder, Event, event_type="toy.asked.v1", exchange="toys"):
    pass


class Given(AboutOrder, Event, event_type="toy.given.v1", exchange="toys"):
    pass


class Refused(AboutOrder, Event, event_type="toy.refused.v1", exchange="toys"):
    pass


class TakenBack(AboutOrder, Event, event_type="toy.taken_back.v1", exchange="toys"):
    pass


class Ask(AboutOrder, Command):
    pass


class Fetch(AboutOrder, Call):
    pass


class Wrap(AboutOrder, Call):
    pass


async def give(_: Asked | Ask, __: Tx) -> Given | Refused: ...  # type: ignore[empty-body] # only its annotations matter


async def take_back(_: Refused, __: Tx) -> TakenBack: ...  # type: ignore[empty-body] # see above


async def listen(_: Asked, __: Tx) -> None: ...


async def fetch(_: Asked, __: Tx) -> Fetch: ...  # type: ignore[empty-body] # see above


async def give_several(_: Sequence[Asked], __: Tx) -> Sequence[Given | Refused]: ...  # type: ignore[empty-body] # see above


def toys(*handlers: Callable[..., Any], on: type[Event] | type[Command] = Asked) -> Service:
    service = Service("toys")
    for handler in handlers:
        service.on(on)(handler)
    return service


def test_a_service_hears_what_its_handlers_are_registered_for() -> None:
    """Its queue is bound to these; commands come through its own door."""
    service = Service("toys")
    service.on(Asked, Ask)(give)
    service.on(Refused)(take_back)
    assert service.heard == (Asked, Refused)
    assert service.step_for(Ask) is service.step_for(Asked) is service.step_of(give)


def test_a_service_says_what_its_handlers_are_annotated_with() -> None:
    """In the order of their names, so that what is derived from them is always the same."""
    assert toys(give).said == (Given, Refused)


def test_what_a_call_leads_to_is_said_by_the_step_that_asks_for_it() -> None:
    """Also over several calls, and over calls that lead to each other."""
    service = toys(fetch)

    @service.settles(Fetch)
    async def fetched(_: Fetch, __: str, ___: Tx) -> Wrap | Refused: ...  # type: ignore[empty-body] # see above

    @service.settles(Wrap)
    async def wrapped(_: Wrap, __: str, ___: Tx) -> Fetch | Given: ...  # type: ignore[empty-body] # see above

    assert service.said_by(service.step_of(fetch)) == (Given, Refused)
    assert service.said == (Given, Refused)


async def _optional(_: Asked, __: Tx) -> Optional[Given]: ...  # noqa: UP045 — as older code writes it


async def _union(_: Asked, __: Tx) -> Union[Given, Refused, None]: ...  # noqa: UP007 — see above


async def _batch_of_some(_: Sequence[Asked], __: Tx) -> Sequence[Given | None]: ...  # type: ignore[empty-body] # see above


async def _tuple(_: tuple[Asked, ...], __: Tx) -> list[Given]: ...  # type: ignore[empty-body] # see above


@pytest.mark.parametrize(
    ("handler", "answers", "batch"),
    [
        (give, {Given, Refused}, False),
        (give_several, {Given, Refused}, True),
        (listen, set(), False),
        (_optional, {Given}, False),
        (_union, {Given, Refused}, False),
        (_batch_of_some, {Given}, True),
        (_tuple, {Given}, True),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_annotations_may_be_written_in_every_usual_way(
    handler: Callable[..., Any], *, answers: set[type[Event]], batch: bool
) -> None:
    """A sequence makes it a handler of batches; None is no answer."""
    step = toys(handler).step_of(handler)
    assert set(step.answers) == answers
    assert step.batch is batch


def test_a_step_that_says_something_is_compensatable_unless_it_says_otherwise() -> None:
    assert toys(give).step_of(give).kind is Kind.COMPENSATABLE


@pytest.mark.parametrize("kind", [Kind.PIVOT, Kind.RETRIABLE])
def test_a_step_may_say_its_kind(kind: Kind) -> None:
    service = Service("toys")
    service.on(Asked, kind=kind)(give)
    assert service.step_of(give).kind is kind


def test_a_step_that_undoes_another_is_its_compensation() -> None:
    service = toys(give)
    service.on(Refused, undoes=give)(take_back)
    step = service.step_of(take_back)
    assert (step.kind, step.undoes) == (Kind.COMPENSATION, service.step_of(give))


def test_a_step_that_is_undone_is_fenced_even_if_it_says_nothing() -> None:
    """Else its undo could not block it."""
    service = toys(listen)
    service.on(Refused, undoes=listen)(take_back)
    undone = service.step_of(listen)
    assert (undone.kind, undone.fenced) == (Kind.COMPENSATABLE, True)
    assert service.step_of(take_back).undoes is undone


def test_a_step_that_answers_only_commands_is_an_entry() -> None:
    assert toys(give, on=Ask).step_of(give).kind is Kind.ENTRY


def test_a_step_that_says_nothing_listens_and_is_not_fenced() -> None:
    """It hears every fact, not only the first; the others run once for each saga."""
    listener, speaker = toys(listen).step_of(listen), toys(give).step_of(give)
    assert (listener.kind, listener.fenced, speaker.fenced) == (Kind.LISTENER, False, True)


def test_a_service_publishes_at_its_own_exchange_and_keeps_its_own_migrations() -> None:
    assert (Service("toys").exchange, Service("toys").package) == ("toys", "toys_service")
    assert (Service("till", exchange="orders", package="shop").exchange, Service("till", package="shop").package) == (
        "orders",
        "shop",
    )


async def _mute(_: Asked, __: Tx): ...  # type: ignore[no-untyped-def] # noqa: ANN202 — that is the point


async def _wordy(_: Asked, __: Tx) -> Given | str: ...  # type: ignore[empty-body] # see above


def _twice_by_name(service: Service) -> None:
    service.on(Asked)(give)
    service.on(Refused)(give)


def _twice_for_a_type(service: Service) -> None:
    service.on(Asked)(give)
    service.on(Refused, Asked)(take_back)


async def _fetched(_: Fetch, __: str, ___: Tx) -> Given: ...  # type: ignore[empty-body] # see above


def _settled_twice(service: Service) -> None:
    service.settles(Fetch)(_fetched)
    service.settles(Fetch)(_fetched)


async def _without_tx(_: Asked) -> Given: ...  # type: ignore[empty-body] # see above


async def _of_another(asked: Refused, __: Tx) -> Given: ...  # type: ignore[empty-body] # see above


def _without_parentheses(service: Service) -> None:
    service.on(give)  # type: ignore[arg-type] # that is the point


def _by_name(service: Service) -> None:
    service.on(Asked)(give)
    service.on(Refused, undoes="give")(take_back)  # type: ignore[arg-type] # that is the point


async def _half_a_batch(_: Sequence[Fetch], __: Sequence[str], ___: Tx) -> Given: ...  # type: ignore[empty-body] # see above


def _never_settled(service: Service) -> None:
    service.on(Asked)(fetch)
    assert service.said


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda service: service.on(Asked)(_mute), "_mute must be annotated with what it returns"),
        (
            lambda service: service.on(Asked)(_wordy),
            "_wordy may return events, calls or None, not <class 'str'>",
        ),
        (_twice_by_name, "toys: two handlers are called give"),
        (_twice_for_a_type, "toys: both give and take_back handle Asked"),
        (lambda service: service.on(Refused, undoes=give)(take_back), "give is no handler of toys"),
        (_settled_twice, "toys: Fetch is settled twice"),
        (lambda service: service.on(Asked)(_without_tx), "toys: _without_tx must take 2 arguments, and no more"),
        (
            lambda service: service.on(Asked)(_of_another),
            "toys: _of_another takes Asked, but its 'asked' is annotated otherwise",
        ),
        (
            lambda service: service.settles(Wrap)(_fetched),
            "toys: _fetched takes Wrap, but its '_' is annotated otherwise",
        ),
        (_by_name, "toys: name a handler itself, and not 'give'"),
        (
            lambda service: service.on(Asked, kind="pivto")(give),
            "toys: 'pivto' is no kind of step: say Kind.PIVOT, for instance",
        ),
        (
            lambda service: service.settles(Fetch)(_half_a_batch),
            "toys: _half_a_batch must take and return a sequence, or neither",
        ),
        (_never_settled, "toys: nobody settles Fetch, which fetch asks"),
        (lambda service: service.step_for(Asked), "toys has no handler for Asked"),
    ],
    ids=lambda value: value.split(": ")[-1] if isinstance(value, str) else "",
)
def test_a_declaration_that_cannot_be_right_is_refused(declare: Callable[[Service], object], text: str) -> None:
    """In words that name the handler and the message."""
    with pytest.raises(ChoreographyError) as refused:
        declare(Service("toys"))
    assert str(refused.value) == text


class _AboutAnything(Protocol):
    @property
    def saga_id(self) -> str: ...


async def _of_anything(_: Any, __: Tx) -> Given: ...  # type: ignore[empty-body] # see above


async def _of_a_shape(_: _AboutAnything, __: Tx) -> Given: ...  # type: ignore[empty-body] # see above


async def _of_many(_: Sequence[Any], __: Tx) -> Sequence[Given]: ...  # type: ignore[empty-body] # see above


async def _with_more(_: Asked, __: Tx, more: str) -> Given: ...  # type: ignore[empty-body] # see above


@functools.wraps(_with_more)
async def _decorated(asked: Asked, tx: Tx) -> Given:
    return await _with_more(asked, tx, "more")


@pytest.mark.parametrize("handler", [_of_anything, _of_a_shape, _of_many, _decorated], ids=lambda one: one.__name__)
def test_a_handler_may_say_less_of_what_it_takes(handler: Callable[..., Any]) -> None:
    """What can't be told from its annotations is left to the type checker."""
    service = Service("toys")
    service.on(Asked)(handler)
    assert service.heard == (Asked,)


@pytest.mark.parametrize(
    "declare",
    [lambda service: service.every(give), lambda service: service.settles(give), lambda service: service.join(give)],
)
def test_no_decorator_goes_without_its_parentheses(declare: Callable[[Service], object]) -> None:
    """It would be told the handler, and nobody would ever call that."""
    with pytest.raises(ChoreographyError, match="and not <function give"):
        declare(Service("toys"))


def test_a_decorator_without_its_parentheses_is_told() -> None:
    with pytest.raises(ChoreographyError, match="what is heard is an event or a command, and not <function give"):
        _without_parentheses(Service("toys"))


def test_an_answer_that_was_not_declared_is_an_accident() -> None:
    """Else the drawn choreography would lie. Nothing of it is said."""
    follows, cause = Consequences("toys"), enveloped(order_placed())
    with pytest.raises(UndeclaredAnswer) as refused:
        follows.add(toys(give).step_of(give), "give", cause, TakenBack(order_id=order_placed().order_id))
    assert str(refused.value) == "give returned TakenBack, which its annotation does not declare"
    assert (follows.said, follows.called) == ([], [])


def test_a_declared_answer_is_said_asked_or_nothing() -> None:
    """An event is said in the cause's saga and trace; a call is kept with its cause; None says nothing."""
    cause = enveloped(order_placed())
    follows, asked = Consequences("toys"), Fetch(order_id=order_placed().order_id)
    follows.add(toys(give).step_of(give), "give", cause, given := Given(order_id=order_placed().order_id))
    follows.add(toys(fetch).step_of(fetch), "fetch", cause, asked)
    follows.add(toys(give).step_of(give), "give", cause, None)
    assert [(said.source, said.type, said.causationid, said.data) for said in follows.said] == [
        ("toys", "toy.given.v1", cause.id, given)
    ]
    assert follows.called == [("fetch", asked, cause)]
