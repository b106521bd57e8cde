# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens as a deployment signs them, and as somebody else might: for tests of what is let in.

The signing key is HMAC-SHA256(secret, salt): the secret lies in HOME/secrets, the salt in the
store. The form is written by hand here (RFC 7515, RFC 7519), so that it can be wrong on purpose.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

JOIN = "otter:join"
SEAT = "otter:seat"

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


class Signer(NamedTuple):
    """What a deployment signs with."""

    iss: str
    kid: str
    key: bytes


def signer(home):
    """The newest active signing key of a home."""
    secret = Path(home.home, "secrets", "signing.secret").read_text(encoding="utf-8").strip()
    store = sqlite3.connect(f"file:{home.home}/data/otter.db?mode=ro", uri=True)
    try:
        (iss,) = store.execute("SELECT id FROM deployment").fetchone()
        kid, salt = store.execute("SELECT kid, salt FROM signing_key WHERE active ORDER BY created_ms DESC").fetchone()
    finally:
        store.close()
    return Signer(iss, kid, hmac.digest(secret.encode(), salt, "sha256"))


def mint(home, room, *, identity=None, name=None, role=None, ttl=3600, not_before=None, audience=JOIN,
         header=None, key=None, alg="HS256", **claims):
    """A genuine join token for `room` (its object or its id), or whatever is asked for instead.

    ttl and not_before count seconds from now: a ttl below 0 has passed. `header` and `claims` go over
    what would stand there; the value None takes a name out. `alg` says how it is signed, in the header too
    unless `header` says otherwise; "none" leaves the signature empty.
    """
    signed_by = signer(home)
    now = int(time.time())
    payload = {"iss": signed_by.iss, "aud": audience, "room": room if isinstance(room, str) else room["id"],
               "iat": now + min(ttl, 0), "exp": now + ttl, "jti": f"jt_{secrets.token_hex(10)}",
               "nbf": None if not_before is None else now + not_before,
               "sub": identity, "name": name, "role": role, **claims}
    return sign({"alg": alg, "typ": "JWT", "kid": signed_by.kid, **(header or {})}, payload,
                signed_by.key if key is None else key, alg)


def mint_seat(home, room, participant, **more):
    """A seat token: it has no end of its own."""
    return mint(home, room, identity=participant, **{"audience": SEAT, "exp": None, **more})


def sign(header, payload, key, alg="HS256"):
    """A token of exactly these parts; members that are None are left out."""
    text = f"{encoded(without_none(header))}.{encoded(without_none(payload))}"
    signature = hmac.new(key, text.encode(), HASHES[alg]).digest() if alg in HASHES else b""
    return f"{text}.{encoded(signature)}"


def without_none(members):
    return {name: value for name, value in members.items() if value is not None}


def encoded(value):
    """base64url without padding, of bytes or of a JSON value."""
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts_of(token):
    """(header, payload, signature), the first two as objects."""
    header, payload, signature = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(payload)), signature


def bit_flipped(token, index=0):
    head, _, signature = token.rpartition(".")
    raw = bytearray(decoded(signature))
    raw[index] ^= 1
    return f"{head}.{encoded(bytes(raw))}"


def with_header(token, **changes):
    """The same payload and signature below another header."""
    header, payload, signature = parts_of(token)
    return f"{encoded(without_none({**header, **changes}))}.{encoded(payload)}.{signature}"


def with_claims(token, **changes):
    header, payload, signature = parts_of(token)
    return f"{encoded(header)}.{encoded(without_none({**payload, **changes}))}.{signature}"


def _padded(home, room):
    head, _, signature = mint(home, room).rpartition(".")
    return f"{head}.{signature}="


def _another_spelling(home, room):
    """The signature with a stray bit at its end: 43 characters carry 258 bits, of which 256 count."""
    token = mint(home, room)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def _twice(home, room):
    """Genuine, but with a claim that stands there twice."""
    signed_by = signer(home)
    _, payload, _ = parts_of(mint(home, room))
    doubled = json.dumps(payload)[:-1] + ', "room": "rm_another"}'
    head = f'{encoded({"alg": "HS256", "typ": "JWT", "kid": signed_by.kid})}.{encoded(doubled.encode())}'
    return f"{head}.{encoded(hmac.digest(signed_by.key, head.encode(), 'sha256'))}"


# What is token_invalid, each by a function of (home, room).
FORGERIES = {
    "no JWT at all": lambda home, room: "tea",
    "three dots": lambda home, room: mint(home, room) + ".",
    "first bit of the signature": lambda home, room: bit_flipped(mint(home, room)),
    "last bit of the signature": lambda home, room: bit_flipped(mint(home, room), -1),
    "any signature of the right length": lambda home, room: mint(home, room).rpartition(".")[0] + "." + "A" * 43,
    "signature empty": lambda home, room: mint(home, room).rpartition(".")[0] + ".",
    "signature missing": lambda home, room: mint(home, room).rpartition(".")[0],
    "signature short": lambda home, room: mint(home, room)[:-4],
    "signature padded": _padded,
    "signature spelled otherwise": _another_spelling,
    "claims changed": lambda home, room: with_claims(mint(home, room), role="host"),
    "header changed": lambda home, room: with_header(mint(home, room), cty="JWT"),
    "another key": lambda home, room: mint(home, room, key=secrets.token_bytes(32)),
    "an empty key": lambda home, room: mint(home, room, key=b""),
    "the secret itself as the key": lambda home, room: mint(
        home, room, key=Path(home.home, "secrets", "signing.secret").read_bytes().strip()),
    "the API key as the key": lambda home, room: mint(home, room, key=home.key.encode()),
    "kid unknown": lambda home, room: mint(home, room, header={"kid": "sk_unknown"}),
    "kid missing": lambda home, room: mint(home, room, header={"kid": None}),
    "kid a number": lambda home, room: mint(home, room, header={"kid": 7}),
    "typ missing": lambda home, room: mint(home, room, header={"typ": None}),
    "typ of another kind": lambda home, room: mint(home, room, header={"typ": "at+jwt"}),
    "crit": lambda home, room: mint(home, room, header={"crit": ["exp"]}),
    "jwk": lambda home, room: mint(home, room, header={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "alg none": lambda home, room: mint(home, room, alg="none"),
    "alg none above a genuine signature": lambda home, room: mint(home, room, header={"alg": "none"}),
    "alg nOnE": lambda home, room: mint(home, room, alg="none", header={"alg": "nOnE"}),
    "alg HS384": lambda home, room: mint(home, room, alg="HS384"),
    "alg HS512": lambda home, room: mint(home, room, alg="HS512"),
    "alg HS512 above HS256": lambda home, room: mint(home, room, header={"alg": "HS512"}),
    "alg RS256": lambda home, room: mint(home, room, header={"alg": "RS256"}),
    "iss of another deployment": lambda home, room: mint(home, room, iss="ot_another"),
    "iss missing": lambda home, room: mint(home, room, iss=None),
    "aud of another kind": lambda home, room: mint(home, room, audience="otter:admin"),
    "aud a list": lambda home, room: mint(home, room, audience=[JOIN]),
    "aud missing": lambda home, room: mint(home, room, audience=None),
    "room missing": lambda home, room: mint(home, {"id": None}),
    "room a number": lambda home, room: mint(home, {"id": 7}),
    "exp missing": lambda home, room: mint(home, room, exp=None),
    "exp a text": lambda home, room: mint(home, room, exp="4102444800"),
    "exp a fraction": lambda home, room: mint(home, room, exp=4102444800.5),
    "exp beyond all integers": lambda home, room: mint(home, room, exp=1e300),
    "nbf a text": lambda home, room: mint(home, room, nbf="0"),
    "iat missing": lambda home, room: mint(home, room, iat=None),
    "jti missing": lambda home, room: mint(home, room, jti=None),
    "role unknown": lambda home, room: mint(home, room, role="king"),
    "role a list": lambda home, room: mint(home, room, role=["host"]),
    "name with a control character": lambda home, room: mint(home, room, name="bell\a"),
    "sub a number": lambda home, room: mint(home, room, identity=7),
    "a claim twice": _twice,
    "more than 4 KiB": lambda home, room: mint(home, room, more="A" * 4096),
}
