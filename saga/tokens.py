"""Bearer tokens: short JSON Web Tokens, signed with the secret that all services share (RFC 7519)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

ALGORITHM = "HS256"


def mint_token(secret: str, subject: str, valid_for: timedelta) -> str:
    """A bearer token for the APIs of all services that share the secret."""
    now = datetime.now(UTC)
    return jwt.encode({"sub": subject, "iat": now, "exp": now + valid_for}, secret, ALGORITHM)


class NoToken(Exception):
    """No token, or none that is valid; the text says which."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A valid token, and what it says."""

    subject: str
    expires: datetime
    token: str


class Tokens:
    """Reads the tokens that are signed with a secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def read(self, token: str) -> Pass:
        """Raises NoToken, if it is forged or expired."""
        try:
            claims = jwt.decode(token, self._secret, [ALGORITHM], options={"require": ["exp", "sub"]})
        except jwt.ExpiredSignatureError:
            raise NoToken("the bearer token has expired") from None
        except jwt.InvalidTokenError:
            raise NoToken("the bearer token is not valid") from None
        return Pass(str(claims["sub"]), datetime.fromtimestamp(claims["exp"], UTC), token)
