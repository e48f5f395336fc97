"""What PostgreSQL is told of a password."""

import hashlib
import hmac
import re
from base64 import b64decode

from saga.provisioning.scram import verifier


def test_a_verifier_holds_in_the_standards_own_conversation() -> None:
    """RFC 7677, section 3: its client's proof is accepted, and its server's signature is ours."""
    said = "n=user,r={0},r={0}{1},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={0}{1}"
    conversation = said.format("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").encode()
    keys = verifier("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")).rpartition("$")[2]
    stored, server = map(b64decode, keys.split(":"))
    proof = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client = bytes(a ^ b for a, b in zip(proof, hmac.digest(stored, conversation, "sha256"), strict=True))
    assert hashlib.sha256(client).digest() == stored
    assert hmac.digest(server, conversation, "sha256") == b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_a_verifier_is_salted_and_tells_nothing() -> None:
    once, again = verifier("pencil"), verifier("pencil")
    assert once != again
    assert re.fullmatch(r"SCRAM-SHA-256\$4096:[\w+/=]{24}\$[\w+/=]{44}:[\w+/=]{44}", once)
