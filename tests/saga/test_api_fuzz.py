"""The APIs do what their own documents say, whatever they are asked: requests made from `/openapi.json`."""

import asyncio
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import APIOperation

from tests.saga.shop import Json, Shop, order_for

SEED = int(os.environ.get("SAGA_FUZZ_SEED", "20261122"))
EXAMPLES = int(os.environ.get("SAGA_FUZZ_REQUESTS", "25"))
"""For each endpoint: so many requests that its document allows, and as many that it doesn't."""

NOT_PROMISED = {
    "positive_data_acceptance": "a valid request may be refused: nothing is known of the order, or it has been shipped",
    "missing_required_header": "no endpoint requires a header but the token, and that `ignored_auth` leaves out",
    "use_after_free": "what was cancelled or released is still known: it is a fact",
    "ensure_resource_availability": "an order is known to others when its event has been heard: soon, not at once",
    "object_level_authorization": "a token is an operator's, not a customer's: it opens all that a service has",
}
"""Checks that ask for what these APIs don't promise, and why."""

load_all_checks()
PROMISED: list[Any] = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in NOT_PROMISED]
Operation = APIOperation[Any, Any, Any, Any]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping"])
async def test_an_api_does_what_its_document_says(shop: Shop, service: str) -> None:
    """No accident, no answer that isn't documented, nothing without a token; and all is well afterwards."""
    document = await shop.get(service, "/openapi.json")
    token = {"Authorization": shop.http.headers["Authorization"]}
    asked = await asyncio.to_thread(ask_everything, document, shop.services.url(service), token)
    assert len(asked) > 3
    order = order_for()
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    await shop.settled()
    assert await shop.unbalanced() == []
    ready = await shop.http.get(f"{shop.services.url(service)}/health/ready")
    assert ready.status_code == 200, ready.text


def ask_everything(document: Json, url: str, token: dict[str, str]) -> list[str]:
    """Which endpoints were asked."""
    asked = []
    schema = schemathesis.openapi.from_dict(document)
    schema.config.generation.update(allow_extra_parameters=False)  # what nobody asked for is ignored, as in messages
    for found in schema.get_all_operations():
        operation: Operation = found.ok()  # type: ignore[union-attr] # else the document is broken, and this raises
        definition = document["paths"][operation.path][operation.method]
        _ask(operation, GenerationMode.POSITIVE, url, token)
        if {"parameters", "requestBody"} & definition.keys():  # without any, nothing can be wrong with a request
            _ask(operation, GenerationMode.NEGATIVE, url, token)
        asked.append(operation.label)
    return asked


def _ask(operation: Operation, mode: GenerationMode, url: str, token: dict[str, str]) -> None:
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def does_what_it_says(case: Case[Any]) -> None:
        case.call_and_validate(url, headers=token, checks=PROMISED)

    does_what_it_says()
