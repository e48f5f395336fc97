"""What the two warehouses tell each other."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from events import Event
from events.values import Detail, Quantity, Reason, Sku

Pieces = Annotated[int, Field(strict=True, ge=0, description="pieces")]


class AboutTransfer(Event):
    """The transfer is the saga."""

    transfer_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.transfer_id)


class TransferRequested(AboutTransfer, event_type="transfer.requested.v1", exchange="depot"):
    """The branch is to get so many pieces from the depot."""

    sku: Sku
    quantity: Quantity


class TransferCancelled(AboutTransfer, event_type="transfer.cancelled.v1", exchange="depot"):
    """It is to stay as it was. The branch decides whether that is still possible."""


class TransferRejected(AboutTransfer, event_type="transfer.rejected.v1", exchange="depot", final=True):
    """The depot doesn't have so many: none have left."""

    reason: Reason
    detail: Detail = ""


class GoodsShipped(AboutTransfer, event_type="goods.shipped.v1", exchange="depot"):
    """They have left the depot's shelf, and are on the road."""

    sku: Sku
    quantity: Quantity


class GoodsReturned(AboutTransfer, event_type="goods.returned.v1", exchange="depot", final=True):
    """They are back on the depot's shelf: so many, which is none if they had never left."""

    quantity: Pieces


class GoodsReceived(AboutTransfer, event_type="goods.received.v1", exchange="branch", final=True):
    """They are in the branch's store room. From there, somebody puts them on its shelf, or sends them back."""


class ReceiptRefused(AboutTransfer, event_type="receipt.refused.v1", exchange="branch"):
    """The branch doesn't take them."""

    reason: Reason
    detail: Detail = ""


class ReceiptCancelled(AboutTransfer, event_type="receipt.cancelled.v1", exchange="branch"):
    """They have left the store room again, or will never get there."""


class GoodsShelved(AboutTransfer, event_type="goods.shelved.v1", exchange="branch", final=True):
    """They are on the branch's shelf, for sale."""


class CancellationRefused(AboutTransfer, event_type="cancellation.refused.v1", exchange="branch", final=True):
    """They are for sale already."""
