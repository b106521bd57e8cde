# SPDX-License-Identifier: GPL-3.0-or-later
"""Join tokens: minted, revoked; and those of foreign issuers."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness.tokens import parts_of


def mint(home, room, **wish):
    answer = home.rest("POST", f"/v1/rooms/{room['id']}/tokens", wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


def connect(home, token):
    answer = home.rest("POST", "/v1/connect", token=token)
    return answer.json().get("code", answer.status_code)


@pytest.fixture(scope="module")
def room(shared_home):
    return shared_home.create_room(max_participants=8)


# Minting

def test_a_token_says_who_and_until_when(home, room):
    made = mint(home, room, identity="ann@example.org", display="Änn", role="host", ttl=60)
    _, claims, _ = parts_of(made["token"])
    assert {name: claims[name] for name in ("sub", "name", "role", "room", "jti")} == {
        "sub": "ann@example.org", "name": "Änn", "role": "host", "room": room["id"], "jti": made["jti"]}
    assert claims["exp"] - claims["iat"] == 60
    assert made["url"].endswith(f"/room/{room['id']}#token={made['token']}")
    assert connect(home, made["token"]) == 200


def test_without_a_wish_it_is_an_invite_link_for_48_hours(home, room):
    _, claims, _ = parts_of(mint(home, room)["token"])
    assert "sub" not in claims and claims["exp"] - claims["iat"] == 48 * 3600


def test_a_token_may_begin_later(home, room):
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    made = mint(home, room, not_before=later, ttl=60)
    assert connect(home, made["token"]) == "not_yet_valid"
    assert made["expires_at"] > later


@pytest.mark.parametrize("wish, field", [
    ({"identity": ""}, "identity"), ({"identity": "x" * 129}, "identity"), ({"display": "a\u202eb"}, "display"), ({"display": "n" * 65}, "display"),
    ({"role": "king"}, "role"), ({"ttl": 0}, "ttl"), ({"ttl": 10 ** 9}, "ttl"), ({"not_before": "tomorrow"}, "not_before"),
    ({"not_before": "2999-01-01T00:00:00Z"}, "not_before"), ({"sub": "ann"}, "sub")])
def test_a_wrong_wish_is_refused_by_name(home, room, wish, field):
    answer = home.rest("POST", f"/v1/rooms/{room['id']}/tokens", wish)
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)


def test_a_closed_room_gets_no_token(home):
    room = home.create_room()
    home.rest("DELETE", f"/v1/rooms/{room['id']}")
    assert home.rest("POST", f"/v1/rooms/{room['id']}/tokens", {}).json()["code"] == "room_closed"
    assert home.rest("POST", "/v1/rooms/rm_none/tokens", {}).json()["code"] == "room_not_found"


# Revoking

def test_a_revoked_token_opens_nothing_and_the_others_do_over_a_restart_too(fresh_home):
    room = fresh_home.create_room()
    gone, kept = mint(fresh_home, room), mint(fresh_home, room)
    assert fresh_home.rest("DELETE", f"/v1/rooms/{room['id']}/tokens/{gone['jti']}").status_code == 204
    for _ in range(2):
        assert (connect(fresh_home, gone["token"]), connect(fresh_home, kept["token"])) == ("token_revoked", 200)
        assert fresh_home.rest("GET", "/v1/credentials", token=gone["token"]).json()["code"] == "token_revoked"
        fresh_home.kill_janus()
        fresh_home.up()


def test_of_an_identity_all_tokens_are_revoked_and_a_new_one_is_good(home):
    room = home.create_room()
    old = [mint(home, room, identity="ann@example.org") for _ in range(2)]
    other = mint(home, room, identity="ben@example.org")
    path = f"/v1/rooms/{room['id']}/tokens?identity=ann%40example.org"
    assert home.rest("DELETE", path).status_code == 204
    new = mint(home, room, identity="ann@example.org")  # in the same second
    assert [connect(home, each["token"]) for each in (*old, other, new)] == ["token_revoked"] * 2 + [200, 200]
    assert home.rest("DELETE", f"/v1/rooms/{room['id']}/tokens").status_code == 400


# Foreign issuers

def pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


SIGNERS = {"ES256": lambda: ec.generate_private_key(ec.SECP256R1()), "RS256": lambda: rsa.generate_private_key(65537, 2048)}


class Issuer:
    """An application that signs tokens itself."""

    def __init__(self, home, alg, **more):
        self.home, self.alg, self.key = home, alg, SIGNERS[alg]()
        self.name = f"https://{time.monotonic_ns()}.example"
        answer = home.rest("POST", "/v1/issuers", {"issuer": self.name, "algorithm": alg, "public_key": pem(self.key), **more})
        assert answer.status_code == 201, answer.text
        self.record = answer.json()

    def token(self, key=None, alg=None, headers=None, **claims):
        now = int(time.time())
        payload = {"iss": self.name, "aud": "otter:join", "iat": now, "exp": now + 60, **claims}
        return jwt.encode({name: value for name, value in payload.items() if value is not None}, key or self.key, alg or self.alg, headers=headers)


@pytest.fixture(scope="module", params=["ES256", "RS256"])
def issuer(request, shared_home):
    return Issuer(shared_home, request.param)


def test_a_backend_signs_tokens_itself_by_room_and_by_name(home, room, issuer):
    named = home.create_room(unique_name=f"weekly-{time.monotonic_ns()}")
    assert connect(home, issuer.token(room=room["id"])) == 200
    assert connect(home, issuer.token(room_name=named["unique_name"], sub="ann", role="host")) == 200


@pytest.mark.parametrize("wrong", [
    {"iss": "https://other.example"}, {"aud": "otter:seat"}, {"aud": None}, {"room": None}, {"exp": None}, {"iat": None},
    {"room_name": "also"}, {"room": "weekly"}, {"exp": 4102444800}, {"role": "king"}, {"exp": "4102444800"}, {"iat": 4102444000, "exp": 4102444060}])
def test_what_an_issuer_may_not_say_is_invalid(home, room, issuer, wrong):
    assert connect(home, issuer.token(**{"room": room["id"], **wrong})) == "token_invalid"


def test_an_issuers_token_ends_and_begins_as_ours(home, room, issuer):
    now = int(time.time())
    assert connect(home, issuer.token(room=room["id"], iat=now - 100, exp=now - 50)) == "token_expired"
    assert connect(home, issuer.token(room=room["id"], nbf=now + 30)) == 200, "its clock may be ahead of ours by a minute"
    assert connect(home, issuer.token(room=room["id"], nbf=now + 90, exp=now + 120, iat=now + 30)) == "not_yet_valid"


def test_no_other_key_and_no_other_algorithm_passes(home, room, issuer):
    claims = {"iss": issuer.name, "aud": "otter:join", "room": room["id"], "iat": int(time.time()), "exp": int(time.time()) + 60}
    other = "RS256" if issuer.alg == "ES256" else "ES256"
    assert connect(home, issuer.token(key=SIGNERS[issuer.alg](), room=room["id"])) == "token_invalid"
    assert connect(home, issuer.token(key=SIGNERS[other](), alg=other, room=room["id"])) == "token_invalid"
    hmac = jwt.encode(claims, "the public key is no secret: " + "x" * 32, "HS256", headers={"kid": "sk_x"})
    assert connect(home, hmac) == "token_invalid"
    assert connect(home, jwt.encode(claims, None, "none")) == "token_invalid"
    assert connect(home, issuer.token(room=room["id"], headers={"jku": "https://evil.example"})) == "token_invalid"
    assert connect(home, issuer.token(room=room["id"], headers={"crit": ["exp"]})) == "token_invalid"


def test_a_foreign_token_is_revoked_by_its_jti_and_by_what_it_says(home, issuer):
    room = home.create_room()
    token = issuer.token(room=room["id"], jti="a-1")
    home.rest("DELETE", f"/v1/rooms/{room['id']}/tokens/a-1")
    assert connect(home, token) == "token_revoked"
    assert connect(home, issuer.token(room=room["id"], jti="a-2")) == 200


def test_the_kid_chooses_among_the_keys_of_an_issuer(home, room):
    first = Issuer(home, "ES256", kid="one")
    second = SIGNERS["ES256"]()
    body = {"issuer": first.name, "algorithm": "ES256", "public_key": pem(second)}
    assert home.rest("POST", "/v1/issuers", {**body, "kid": "one"}).json()["code"] == "conflict"
    assert home.rest("POST", "/v1/issuers", {**body, "kid": "two"}).status_code == 201
    assert connect(home, first.token(room=room["id"], headers={"kid": "one"})) == 200
    assert connect(home, first.token(key=second, room=room["id"], headers={"kid": "two"})) == 200
    assert connect(home, first.token(room=room["id"], headers={"kid": "two"})) == "token_invalid"
    assert connect(home, first.token(room=room["id"])) == "token_invalid"


def test_a_removed_issuer_opens_nothing(fresh_home):
    room, issuer = fresh_home.create_room(), Issuer(fresh_home, "ES256", max_ttl=60)
    token = issuer.token(room=room["id"])
    fresh_home.kill_janus()
    fresh_home.up()
    assert connect(fresh_home, token) == 200, "issuers are kept"
    assert connect(fresh_home, issuer.token(room=room["id"], exp=int(time.time()) + 90)) == "token_invalid", "its longest life"
    path = f"/v1/issuers/{issuer.record['id']}"
    assert fresh_home.rest("GET", path).json() == issuer.record
    assert fresh_home.rest("DELETE", path).status_code == 204
    assert (connect(fresh_home, token), fresh_home.rest("DELETE", path).status_code) == ("token_invalid", 404)


def test_a_private_key_or_a_weak_one_is_no_issuer(home):
    private = SIGNERS["ES256"]().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    weak = pem(rsa.generate_private_key(65537, 1024))
    for alg, key in (("ES256", private), ("RS256", weak), ("ES256", pem(SIGNERS["RS256"]())), ("ES256", "tea")):
        answer = home.rest("POST", "/v1/issuers", {"issuer": "https://x.example", "algorithm": alg, "public_key": key})
        assert (answer.status_code, answer.json()["details"]["field"]) == (400, "public_key")
    answer = home.rest("POST", "/v1/issuers", {"issuer": "x", "algorithm": "EdDSA", "public_key": "x"})
    assert answer.json()["details"]["field"] == "algorithm"
