"""What shipping says."""

from events.event import AboutOrder, Event
from events.values import Detail, Parcel, Reason


class ShipmentScheduled(AboutOrder, Event, event_type="shipment.scheduled.v1", exchange="shipping"):
    """The carrier is booked, one parcel per warehouse."""

    parcels: tuple[Parcel, ...]


class ShipmentRejected(AboutOrder, Event, event_type="shipment.rejected.v1", exchange="shipping"):
    """No parcel is booked: `destination_not_served` or another reason of the carrier's."""

    reason: Reason
    detail: Detail = ""


class ShipmentDispatched(AboutOrder, Event, event_type="shipment.dispatched.v1", exchange="shipping"):
    """The parcels are with the carrier: the order can no longer be undone."""

    parcels: tuple[Parcel, ...] = ()


class ShipmentCancelled(AboutOrder, Event, event_type="shipment.cancelled.v1", exchange="shipping"):
    """No parcel is booked for the order, and never will be. `parcels` were; none, if nothing was booked."""

    parcels: tuple[Parcel, ...] = ()
    reason: Detail = ""


class ShipmentCancellationRefused(
    AboutOrder, Event, event_type="shipment.cancellation_refused.v1", exchange="shipping"
):
    """The parcels had left when the cancellation came: `already_dispatched`."""

    reason: Reason = "already_dispatched"
    detail: Detail = ""
