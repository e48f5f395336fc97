"""The whole shop on Docker Compose: it takes a while, so it has to be asked for."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest

from saga.tokens import mint_token
from tests.compose.shop import Shop
from tests.compose.stack import Stack, why_not

CHOICE = "SAGA_TEST_COMPOSE"


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Up and healthy; gone without a trace afterwards."""
    if os.environ.get(CHOICE) != "1":
        pytest.skip(f"builds an image and starts six containers; to have it run, set {CHOICE}=1")
    if reason := why_not():
        pytest.skip(reason)
    stack = Stack()
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    token = mint_token(stack.api_secret, "operator", timedelta(hours=1))
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        yield Shop(stack, http)
