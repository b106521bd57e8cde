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
    return sign_text(compact(without_none(header)), compact(without_none(payload)), key, alg)


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def without_none(members):
    return {name: value for name, value in members.items() if value is not None}


def encoded(value):
    """base64url without padding, of bytes or of a JSON value."""
    raw = value if isinstance(value, bytes) else compact(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts_of(token):
    """(header, payload, signature), the first two as objects."""
    header, payload, signature = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(payload)), signature


def sign_text(header, payload, key, alg="HS256"):
    """As sign(), of a header and a payload that are JSON texts, or are meant to be none."""
    text = f"{encoded(header.encode())}.{encoded(payload.encode())}"
    signature = hmac.new(key, text.encode(), HASHES[alg]).digest() if alg in HASHES else b""
    return f"{text}.{encoded(signature)}"


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


def _with_more(home, room, more):
    """Genuine, with more text at the end of its claims."""
    header, payload, _ = parts_of(mint(home, room))
    return sign_text(compact(header), compact(payload)[:-1] + more + "}", signer(home).key)


def _standard_alphabet(home, room):
    """Genuine, with claims whose base64 needs the two characters that differ, spelled as in base64 and not base64url."""
    header, payload, _ = parts_of(mint(home, room, more="~~~???>>>"))
    text = f"{encoded(header)}.{encoded(payload)}".replace("-", "+").replace("_", "/")
    assert "+" in text or "/" in text
    return f"{text}.{encoded(hmac.digest(signer(home).key, text.encode(), 'sha256'))}"


def _padded_claims(home, room):
    header, payload, _ = parts_of(mint(home, room))
    claims = next(text for n in range(3) if len(text := compact({**payload, "more": "x" * n})) % 3)
    text = f"{encoded(header)}.{base64.urlsafe_b64encode(claims.encode()).decode()}"
    assert text.endswith("=")
    return f"{text}.{encoded(hmac.digest(signer(home).key, text.encode(), 'sha256'))}"


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
    "a claim twice": lambda home, room: _with_more(home, room, ',"room":"rm_another"'),
    "claims padded": _padded_claims,
    "claims in the alphabet of base64": _standard_alphabet,
    "claims not JSON": lambda home, room: _with_more(home, room, ","),
    "a blank in front": lambda home, room: mint(home, room).replace(".", ". ", 1),
    "jku": lambda home, room: mint(home, room, header={"jku": "https://example.org/keys"}),
    "x5u": lambda home, room: mint(home, room, header={"x5u": "https://example.org/key"}),
    "kid empty": lambda home, room: mint(home, room, header={"kid": ""}),
    "more than 4 KiB": lambda home, room: mint(home, room, more="A" * 4096),
}


# ---- every algorithm with every kid with every claim ----

# How the header names it, and how it is signed. Only the first is genuine.
ALGORITHMS = [("HS256", "HS256"), ("none", "none"), ("None", "none"), ("nOnE", "none"), ("none", "HS256"), ("HS384", "HS384"), ("HS512", "HS512"),
              ("HS512", "HS256"), ("RS256", "HS256"), ("ES256", "HS256"), ("hs256", "HS256"), (None, "HS256"), (7, "HS256")]
GENUINE = "genuine"
KIDS = [GENUINE, None, "sk_unknown", "../../../etc/passwd", "/dev/null", "x' OR '1'='1", "sk_a\x00b", "", 7, ["sk_a"]]

# What goes over the claims of a good token, and the code that it gets, None: it is good. A text stands there as it is.
CLAIMS = [({}, None), ({"exp": -10}, "token_expired"), ({"exp": 0}, "token_expired"), ({"nbf": 60}, "not_yet_valid"),
          ('"exp":"4102444800"', "token_invalid"), ('"exp":4102444800.5', "token_invalid"), ('"exp":1e400', "token_invalid"),
          ('"exp":1e10', "token_invalid"), ('"exp":-1', "token_invalid"), ('"exp":99999999999999999999', "token_invalid"),
          ('"exp":null', "token_invalid"), ("", "token_invalid"), ('"exp":4102444800,"exp":4102444801', "token_invalid"),
          ('"exp":4102444800,"nbf":"0"', "token_invalid"), ('"exp":4102444800,"nbf":0.5', "token_invalid")]


def combinations(home, room):
    """Yields (what it is, token, code or None) for each of ALGORITHMS x KIDS x CLAIMS."""
    signed_by, now = signer(home), int(time.time())
    base = {"iss": signed_by.iss, "aud": JOIN, "room": room["id"], "iat": now - 60}
    for named, alg in ALGORITHMS:
        for kid in KIDS:
            header = compact(without_none({"alg": named, "typ": "JWT", "kid": signed_by.kid if kid is GENUINE else kid}))
            for wish, code in CLAIMS:
                claims = {**base, "jti": f"jt_{secrets.token_hex(10)}"}
                if isinstance(wish, dict):
                    payload = compact({**claims, "exp": now + 3600, **{name: now + offset for name, offset in wish.items()}})
                else:
                    payload = compact(claims)[:-1] + ("," + wish if wish else "") + "}"
                signed_as_ours = (named, alg) == ALGORITHMS[0] and kid is GENUINE
                yield (f"alg {named} signed {alg}, kid {kid}, {wish}", sign_text(header, payload, signed_by.key, alg),
                       code if signed_as_ours else "token_invalid")
