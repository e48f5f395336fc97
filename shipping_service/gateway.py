"""Where the outside world begins: the carrier as a port, and a simulated one."""

import asyncio
import random
from dataclasses import dataclass
from itertools import chain
from typing import Protocol
from uuid import UUID

from aiodataloader import DataLoader

from events import AboutOrder, Address, Allocation, Parcel
from saga import Call, Pool, derived, queries

sql = queries(__file__, "carrier_queries.sql")

NOT_SERVED = {"AQ": "the carrier does not serve Antarctica"}
"""Countries that the simulated carrier refuses, and in which words."""


class Book(AboutOrder, Call):
    """Fetch the pieces where they lie, one parcel per warehouse, and bring them there."""

    ship_to: Address
    allocations: tuple[Allocation, ...]

    @property
    def warehouses(self) -> list[str]:
        return sorted({allocation.warehouse for allocation in self.allocations})


class CancelBooking(AboutOrder, Call):
    """Don't fetch these parcels."""

    parcels: tuple[Parcel, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Booked:
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, slots=True)
class NotServed:
    detail: str


@dataclass(frozen=True, slots=True)
class BookingCancelled:
    pass


class Carrier(Protocol):
    """A parcel is booked once for each key, however often it is asked. Whatever is raised, it may have been."""

    async def book(self, booking: Book, key: UUID) -> Booked | NotServed: ...

    async def cancel(self, cancellation: CancelBooking, key: UUID) -> BookingCancelled: ...


_Booking = tuple[UUID, str, UUID]
"""A parcel's key, its tracking number, and what it is for."""


class SimulatedCarrier:
    """A carrier with books of its own, that takes its time and sometimes doesn't answer after it has acted.

    `latency` in seconds; `timeout_rate` is the share of answers that get lost, 0 to 1.
    """

    def __init__(self, books: Pool, latency: float, timeout_rate: float) -> None:
        self._books = books
        self._latency = latency
        self._timeout_rate = timeout_rate
        self._bookings: DataLoader[list[_Booking], None] = DataLoader(self._book, cache=False)

    async def book(self, booking: Book, key: UUID) -> Booked | NotServed:
        await asyncio.sleep(self._latency)
        if refusal := NOT_SERVED.get(booking.ship_to.country):
            return NotServed(refusal)
        keys = [derived(key, warehouse) for warehouse in booking.warehouses]
        parcels = tuple(
            Parcel(parcel_id=f"parcel_{key.hex}", warehouse=warehouse, carrier="simulated", tracking=f"SIM{key.hex}")
            for key, warehouse in zip(keys, booking.warehouses, strict=True)
        )
        await self._bookings.load(
            [(key, parcel.tracking, booking.order_id) for key, parcel in zip(keys, parcels, strict=True)]
        )
        self._perhaps_lose_the_answer()
        return Booked(parcels)

    async def cancel(self, cancellation: CancelBooking, key: UUID) -> BookingCancelled:  # noqa: ARG002 — cancelling twice is cancelling once
        await asyncio.sleep(self._latency)
        await self._books.execute(sql.cancel, [parcel.tracking for parcel in cancellation.parcels])
        self._perhaps_lose_the_answer()
        return BookingCancelled()

    async def _book(self, asked: list[list[_Booking]]) -> list[None]:
        """Write down at once what is asked at once."""
        await self._books.execute(sql.book, *zip(*chain.from_iterable(asked), strict=True))
        return [None] * len(asked)

    def _perhaps_lose_the_answer(self) -> None:
        if random.random() < self._timeout_rate:
            raise TimeoutError("the carrier acted, and its answer was lost")
