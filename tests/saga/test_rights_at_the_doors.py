"""Every endpoint of every service is closed to whoever has no valid token; health and metrics are open."""

import hmac
import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest

from saga.tokens import mint_token
from tests.saga.shop import Json, Shop

OPEN = {"/health/live", "/health/ready", "/metrics"}
HOUR = timedelta(hours=1)


def claims(**changes: object) -> dict[str, object]:
    """Those of a token that is valid for an hour; without those that are changed to None."""
    now = datetime.now(UTC)
    told: dict[str, object] = {"sub": "stranger", "iat": now, "exp": now + HOUR, **changes}
    return {name: value for name, value in told.items() if value is not None}


def forged(secret: str, header: Json, digest: str = "sha256") -> str:
    """Valid claims under whatever header, signed with the secret, as no library would make it."""
    said = f"{encoded(header)}.{encoded({'sub': 'stranger', 'exp': 2**31})}"
    return f"{said}.{base64(hmac.digest(secret.encode(), said.encode(), digest))}"


def encoded(part: Json) -> str:
    return base64(json.dumps(part).encode())


def base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def refused(secret: str) -> dict[str, str]:
    """What an `Authorization` may be and yet opens nothing, by what is wrong with it."""
    valid = mint_token(secret, "stranger", HOUR)
    head, body, signature = valid.split(".")
    tokens = {
        "another's secret": mint_token("x" * 43, "stranger", HOUR),
        "expired": mint_token(secret, "stranger", timedelta(seconds=-1)),
        "not yet valid": jwt.encode(claims(nbf=datetime.now(UTC) + HOUR), secret, "HS256"),
        "from the future": jwt.encode(claims(iat=datetime.now(UTC) + HOUR), secret, "HS256"),
        "no algorithm": jwt.encode(claims(), "", "none"),
        "another algorithm": forged(secret, {"alg": "HS512", "typ": "JWT"}, "sha512"),
        "the public key's algorithm": forged(secret, {"alg": "RS256", "typ": "JWT"}),
        "a key of its own": forged("mine", {"alg": "HS256", "jwk": {"kty": "oct", "k": "bWluZQ"}}),
        "no end": jwt.encode(claims(exp=None), secret, "HS256"),
        "no name": jwt.encode(claims(sub=None), secret, "HS256"),
        "other claims": f"{head}.{encoded({'sub': 'admin', 'exp': 2**31})}.{signature}",
        "no signature": f"{head}.{body}.",
        "cut off": valid[:-2],
        "nonsense": "nonsense",
    }
    bearers = {why: f"Bearer {token}" for why, token in tokens.items()}
    return bearers | {"missing": "", "no scheme": valid, "another scheme": f"Basic {valid}", "no token": "Bearer"}


async def endpoints(shop: Shop, service: str) -> list[tuple[str, str]]:
    """Method and path of everything that the service's own document tells of, and of the document."""
    paths = (await shop.get(service, "/openapi.json"))["paths"]
    listed = [(method.upper(), re.sub(r"{\w+}", str(uuid4()), path)) for path in paths for method in paths[path]]
    return [("GET", "/openapi.json"), *listed]


@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping"])
async def test_every_endpoint_is_closed_to_who_has_no_valid_token(shop: Shop, service: str) -> None:
    """With each kind of wrong token: 401, as a problem that says how to come in, and nothing more."""
    secret, url = shop.deployment.api_secret, shop.services.url(service)
    guarded = [(method, path) for method, path in await endpoints(shop, service) if path not in OPEN]
    assert len(guarded) > 2
    for method, path in guarded:
        for why, authorization in refused(secret).items():
            answer = await shop.http.request(method, url + path, headers={"Authorization": authorization})
            assert answer.status_code == 401, (method, path, why, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping"])
async def test_a_valid_token_opens_every_endpoint(shop: Shop, service: str) -> None:
    """So it was the token that the others lacked. Nothing is changed here: only what reads is asked."""
    valid = mint_token(shop.deployment.api_secret, "stranger", HOUR)
    for method, path in await endpoints(shop, service):
        for scheme in ("Bearer", "bearer"):
            if method == "GET":
                url = shop.services.url(service) + path
                answer = await shop.http.get(url, headers={"Authorization": f"{scheme} {valid}"})
                assert answer.status_code in {200, 404}, (path, answer.text)


@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping"])
async def test_health_and_metrics_are_open_and_the_document_is_the_only_one(shop: Shop, service: str) -> None:
    """Supervisors have no tokens; there is no page of documentation that could show what the token hides."""
    url = shop.services.url(service)
    for path in OPEN:
        assert (await shop.http.get(url + path, headers={"Authorization": ""})).status_code == 200
    for path in ("/docs", "/redoc", "/openapi.yaml", "/"):
        assert (await shop.http.get(url + path)).status_code == 404
