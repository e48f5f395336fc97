"""Passwords as PostgreSQL keeps them: it is sent what it would store, so that none of its logs can show a password."""

import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from base64 import b64encode

ITERATIONS = 4096
"""PostgreSQL's own default. Each login costs as many; the passwords are long and random, not words."""

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """What proves that somebody knows the password, without telling it: RFC 5803, for SCRAM-SHA-256 (RFC 7677)."""
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _prepared(password: str) -> str:
    """SASLprep (RFC 4013), as clients do. Like PostgreSQL, take a password that it prohibits as it is."""
    mapped = ("" if stringprep.in_table_b1(c) else " " if stringprep.in_table_c12(c) else c for c in password)
    prepared = unicodedata.normalize("NFKC", "".join(mapped))
    allowed = prepared and not any(prohibits(c) for c in prepared for prohibits in _PROHIBITED)
    return prepared if allowed and not _mixes_directions(prepared) else password


def _mixes_directions(text: str) -> bool:
    """RFC 3454, section 6: right-to-left text begins and ends as such, and has nothing else in it."""
    if not any(map(stringprep.in_table_d1, text)):
        return False
    return any(map(stringprep.in_table_d2, text)) or not all(map(stringprep.in_table_d1, (text[0], text[-1])))


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
