"""The participant that is wanted, and what things of it are called."""

from dataclasses import dataclass

from events import Event
from saga import Service, Tx


@dataclass(frozen=True)
class Participant:
    """It does something when it hears the one event, and undoes it when it hears one of the others."""

    name: str
    hears: type[Event]
    undone_by: tuple[type[Event], ...]

    @property
    def package(self) -> str:
        return f"{self.name}_service"

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")

    @property
    def title(self) -> str:
        return self.words.capitalize()

    @property
    def settings(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("_")) + "Settings"

    @property
    def step(self) -> str:
        return f"record_{self.name}"

    @property
    def undo(self) -> str:
        return f"withdraw_{self.name}"

    @property
    def fact(self) -> str:
        """`shipment.scheduled.v1` is what has been `scheduled`."""
        return self.hears.event_type.split(".")[-2]

    @property
    def end(self) -> str:
        """What the undo's event is called, if it is always the same."""
        return self.undone_by[0].event_type.split(".")[-2] if len(self.undone_by) == 1 else "undone"

    def service(self) -> Service:
        """Its declarations, by which the choreography is proven; its steps do nothing."""

        async def step(_: Event, __: Tx) -> None: ...

        async def undo(_: Event, __: Tx) -> None: ...

        step.__name__, undo.__name__ = self.step, self.undo
        service = Service(self.name)
        service.on(self.hears)(step)
        service.on(*self.undone_by, undoes=step)(undo)
        return service
