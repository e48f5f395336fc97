"""The services' dead letters, asked of the services themselves: the observer takes no part."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from saga.letters_api import LetterShown

PATIENCE = 10.0
"""Seconds that a service may take to answer."""


@dataclass(frozen=True)
class Shelf:
    """A service's letters; or why it can't be asked for them."""

    service: str
    letters: tuple[LetterShown, ...] = ()
    trouble: str | None = None


class NotSettled(Exception):
    """A service has not done with a letter what it was asked to, and says why."""


_letters: TypeAdapter[tuple[LetterShown, ...]] = TypeAdapter(tuple[LetterShown, ...])


class Letters:
    """Of services, by their names and addresses, in the name of whose token it is."""

    def __init__(self, services: Mapping[str, str], token: str) -> None:
        self._services = services
        self._token = token

    async def shelves(self) -> list[Shelf]:
        """One for each service. None is missing because another does not answer."""
        return list(await asyncio.gather(*(self._shelf(name) for name in self._services)))

    async def settle(self, service: str, letter_id: str, how: str, told: Mapping[str, str]) -> None:
        """`replay`, `refuse` or `discard` it. Raises NotSettled."""
        if service not in self._services:
            raise NotSettled(f"there is no service {service!r} here")
        await self._asked("POST", service, f"/dead/{quote(letter_id, safe='')}/{how}", told)

    async def _shelf(self, service: str) -> Shelf:
        try:
            answer = await self._asked("GET", service, "/dead")
            return Shelf(service, _letters.validate_json(answer.content))
        except NotSettled as error:
            return Shelf(service, trouble=str(error))
        except ValidationError:
            return Shelf(service, trouble="its answer is no list of letters")

    async def _asked(
        self, method: str, service: str, path: str, told: Mapping[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as http:
                answer = await http.request(method, self._services[service].rstrip("/") + path, json=told or None)
        except httpx.HTTPError as error:
            raise NotSettled(f"{service} does not answer ({type(error).__name__})") from error
        if not answer.is_success:
            raise NotSettled(_why(service, answer))
        return answer


def _why(service: str, answer: httpx.Response) -> str:
    """The detail of its problem (RFC 9457), if it is one."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    return f"{service} says {answer.status_code}: {detail}"
