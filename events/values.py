"""The values that events are made of, with the limits of the public contract."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_extra_types.country import CountryAlpha2
from pydantic_extra_types.currency_code import Currency as Iso4217

# PostgreSQL stores every character but NUL.
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s\x00]+$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
Detail = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Words for people; may be empty."""
Currency = Annotated[Iso4217, Field(description="ISO 4217, for instance EUR")]
Country = Annotated[CountryAlpha2, Field(description="ISO 3166-1 alpha-2, for instance GB")]
Quantity = Annotated[int, Field(strict=True, ge=1, le=10_000, description="pieces")]
# The dearest order, 100 lines of 10,000 pieces, still fits a signed 64-bit integer.
UnitPrice = Annotated[
    int, Field(strict=True, ge=0, le=10**12, description="in the currency's minor unit, for instance cents")
]
Amount = Annotated[
    int, Field(strict=True, ge=0, lt=2**63, description="in the currency's minor unit, for instance cents")
]

Seconds = Annotated[int, Field(strict=True, ge=1, le=315_360_000, description="seconds, at most ten years")]


PERSONAL = Field(json_schema_extra={"personal": True})
"""Marks a field that tells of a person: it is masked wherever messages are shown."""


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Line(Value):
    """So many pieces of one sku."""

    sku: Sku
    quantity: Quantity
    unit_price: UnitPrice


class Address(Value):
    name: Annotated[Text, PERSONAL]
    street: Annotated[Text, PERSONAL]
    city: Annotated[Text, PERSONAL]
    postal_code: Annotated[str, StringConstraints(max_length=20, pattern=r"^[^\x00]*$"), PERSONAL] = ""
    country: Country


class Allocation(Value):
    """Pieces of one sku, held for one order in one warehouse."""

    sku: Sku
    warehouse: Text
    quantity: Quantity


class Parcel(Value):
    """What one warehouse hands to the carrier."""

    parcel_id: Text
    warehouse: Text
    carrier: Text
    tracking: Text


class Outcome(StrEnum):
    """Why an order is being undone: a participant refused, or somebody cancelled."""

    REJECTED = "rejected"
    CANCELLED = "cancelled"
