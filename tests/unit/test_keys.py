"""Keys that follow from what they are for."""

from uuid import UUID

import uuid_utils.compat as uuid
from hypothesis import given
from hypothesis import strategies as st

from saga.calls import key_of
from saga.keys import derived
from saga.messages import Call

SAGAS = st.integers(0, 2**48 - 1).map(lambda time: UUID(int=time << 80 | 0x7ABC << 64 | 0x8 << 60))


class Charge(Call):
    """Some call."""


class Refund(Call):
    """Another."""


@given(SAGAS, st.text())
def test_a_key_is_the_same_each_time_and_a_custom_uuid(saga: UUID, name: str) -> None:
    key = derived(saga, name)
    assert key == derived(saga, name)
    assert (key.version, key.variant) == (8, saga.variant)


@given(SAGAS, SAGAS, st.text(), st.text())
def test_keys_sort_as_their_parents_do(one: UUID, other: UUID, name: str, another: str) -> None:
    if one.int >> 80 != other.int >> 80:
        assert (derived(one, name) < derived(other, another)) == (one < other)


def test_many_keys_of_one_moment_differ() -> None:
    saga = uuid.uuid7()
    assert len({derived(saga, str(number)) for number in range(20_000)}) == 20_000


def test_the_key_of_a_call_tells_what_is_asked_for() -> None:
    saga = "0198f2a0-7c1e-7d4a-9b1e-2f6c8d1e5a70"
    keys = {
        key_of(service, of, step, call)
        for service in ("payment", "billing")
        for of in (saga, saga.replace("-", ""), "order 7", "order 8")
        for step in ("capture", "refund")
        for call in (Charge, Refund)
    }
    assert len(keys) == 32
    assert key_of("payment", saga, "capture", Charge) in keys
    assert str(key_of("payment", saga, "capture", Charge)).startswith("0198f2a0-7c1e-8")
