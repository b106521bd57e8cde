# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests made up from transports/openapi.yaml, good and bad ones, with every kind of credential.

Whatever is asked: no 500, no answer that is not described, and a server that lives on with a clean log. What fits the description is
understood, and a body that does not fit it changes nothing.
"""

import datetime
import json
import re
import string
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import pytest
import requests
from harness import contract, tokens
from harness.otter_home import OtterHome
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

# What would take the server, or every link there is, away from the other examples.
ENDS_EVERYTHING = {"drain"}

EVERYDAY = settings(max_examples=20, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
DEEP = settings(max_examples=400, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=set(Phase) - {Phase.explain})

OPERATIONS = [one for one in contract.operations() if one.id not in ENDS_EVERYTHING]
WITH_BODY = [one for one in OPERATIONS if one.body_schema]


class Place:
    """A home of these tests' own, and what there is in it to ask for: examples may take it away, so each test has it anew."""

    def __init__(self, home, session):
        self.home, self.session = home, session
        self.room = self.closed = self.jti = None
        self.key = self.issuer = None
        self.credentials = {}

    def furnish(self):
        self.home.rest("DELETE", "/v1/rooms/known")
        self.room, self.closed = self.home.create_room(unique_name="known"), self.home.create_room()
        self.home.rest("DELETE", f"/v1/rooms/{self.closed['id']}")
        self.key = self._made("/v1/keys", {"name": "known", "scopes": ["rooms:read"]})
        if self.issuer:
            self.home.rest("DELETE", f"/v1/issuers/{self.issuer}")
        self.issuer = self._made("/v1/issuers", {"issuer": "known", "algorithm": "ES256", "public_key": PEM})["id"]
        self.jti = self._made("/v1/rooms/known/tokens", {"identity": "user-1"})["jti"]
        self.credentials = credentials_of(self.home, self.room, self.closed, self.key["key"])

    def _made(self, path, body):
        answer = self.home.rest("POST", path, json=body)
        assert answer.status_code == 201, f"{path}: {answer.text}"
        return answer.json()


@pytest.fixture(scope="module")
def shared_place():
    with OtterHome() as home, requests.Session() as session:
        yield Place(home, session)


@pytest.fixture
def place(shared_place):
    place = shared_place
    place.furnish()
    yield place
    assert place.home.rest("GET", "/healthz", key=None).status_code == 200
    place.home.assert_alive()
    place.home.check_logs()


def credentials_of(home, room, closed, reader):
    """Authorization of every kind, by what it is."""
    key = home.key
    shown = {
        "the key": key,
        "a key that may only read rooms": reader,
        "an unknown key": f"{key[:-6]}AAAAAA",
        "a join token": room["token"],
        "a host's token": tokens.mint(home, room, role="host", identity="user-1"),
        "a token of a closed room": closed["token"],
        "a token of no room": tokens.mint(home, "rm_" + "0" * 20),
        "an expired token": tokens.mint(home, room, ttl=-60),
        "a token too early": tokens.mint(home, room, not_before=3600),
        "a forged token": tokens.bit_flipped(room["token"]),
        "a seat that is gone": tokens.mint_seat(home, room, "pt_" + "0" * 20),
        "rubbish": "tea",
    }
    return {"none": None, "an empty one": "Bearer ", "Basic": "Basic dGVh", "the bare key": key,
            **{name: f"Bearer {value}" for name, value in shown.items()}}


# From schemas to values

def resolved(schema):
    """A schema with its references followed, what stands beside them laid over it."""
    while "$ref" in schema:
        schema = {**contract.resolved({"$ref": schema["$ref"]}), **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


# Jansson holds integers of 64 bits, and no NUL; a text's bounds may be meant in bytes.
TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-2**53, 2**53) | TEXT | st.floats(allow_nan=False, allow_infinity=False),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8)
NOW = datetime.datetime.utcnow()  # a token may begin at most a year ahead
TIMES = st.datetimes(NOW + datetime.timedelta(days=1), NOW + datetime.timedelta(days=300), timezones=st.sampled_from(
    [datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=5, minutes=45)), datetime.timezone(datetime.timedelta(hours=-8))]))
PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFqBwhLrrOxOLmHsaMfMgS3NuAyXo
ghScgUA3v0YJ3KaSpkrA28NYtjvAPrz4E6Np7S0wolI0MMrP6eTCtZ5SSw==
-----END PUBLIC KEY-----
"""


def texts(schema):
    if schema.get("format") == "date-time":
        return TIMES.map(datetime.datetime.isoformat)
    pattern = schema.get("pattern", "")
    if "BEGIN PUBLIC KEY" in pattern:
        return st.just(PEM)
    if pattern and "\\u" not in pattern:
        return st.from_regex(re.compile(pattern.removeprefix("^").removesuffix("$"), re.ASCII), fullmatch=True)
    return st.text(string.ascii_letters + string.digits + " @:-_", min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 20))


def fitting(schema):
    """Values that a schema takes, and that the server understands."""
    schema = resolved(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of(*[fitting(one) for one in schema["anyOf"]])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of(*[of_type(type_, schema) for type_ in types])


def of_type(type_, schema):
    if type_ == "null":
        return st.none()
    if type_ == "boolean":
        return st.booleans()
    if type_ == "integer":
        low = schema.get("minimum", 0)
        return st.integers(low, min(schema.get("maximum", low + 3600), low + 10**6)) | st.sampled_from([low, schema.get("maximum", low)])
    if type_ == "string":
        return texts(schema)
    if type_ == "array":
        return st.lists(fitting(schema["items"]), min_size=schema.get("minItems", 0), max_size=4, unique=schema.get("uniqueItems", False))
    members = schema.get("properties")
    if members is None:  # metadata
        return st.dictionaries(TEXT, JSON, max_size=4)
    needed = schema.get("required", [])
    return st.fixed_dictionaries({name: fitting(members[name]) for name in needed},
                                 optional={name: fitting(each) for name, each in members.items() if name not in needed})


def twisted(schema):
    """Bodies that may be anything: a fitting one with a member replaced, added or taken away, or no object at all."""
    members = list(resolved(schema)["properties"])

    def twist(body, name, value, take):
        return {key: each for key, each in body.items() if key != name} if take else {**body, name: value}
    return st.builds(twist, fitting(schema), st.sampled_from(members) | TEXT, JSON, st.booleans()) | JSON


RAW = st.sampled_from([b"", b"{", b"[]", b"null", b"{}{}", b'{"a": 1, "a": 2}', b'{"a": "\xff"}', b'{"a": "\\u0000"}', b'{"a": "\\ud800"}',
                       b"[" * 5000, b'{"max_participants": 1e400}', b'{"max_participants": 99999999999999999999}', b" " * 70000, b"\xef\xbb\xbf{}",
                       b'{"a": NaN}', b"a=b"])
TYPES = st.sampled_from(["application/json"] * 4 + ["application/json; charset=utf-8", "text/plain", "APPLICATION/JSON", "", "application/jsonp",
                                                    "application/x-www-form-urlencoded"])


# Requests

class Sent(NamedTuple):
    path: str
    query: dict
    headers: dict
    body: bytes | None


def known(place, parameter):
    """Values of a parameter that lead somewhere."""
    return {"room": [place.room["id"], "known", place.closed["id"]], "key": [place.key["id"]], "issuer": [place.issuer], "jti": [place.jti],
            "identity": ["user-1"], "If-Match": ["*", '"1"', '"2"', 'W/"1"', '"1", "2"']}.get(parameter, [])


def odd_texts():
    return st.sampled_from(["", "-1", "0", "101", "true", "*", "%00", "%ff", "a%2fb", "..", "rm_", "'", '"', "é", "99999999999999999999", "1.rm_0",
                            "-9223372036854775808.rm_0"]) | st.text(string.printable, max_size=30)


def values_of(place, parameter):
    fits = fitting(parameter["schema"]).map(lambda value: json.dumps(value) if isinstance(value, bool) else str(value))
    there = known(place, parameter["name"])
    return st.one_of(*([st.sampled_from(there)] * 2 if there else []), fits, odd_texts())


@st.composite
def any_request(draw, place, operation):
    """A request to an operation, in which any part may be wrong."""
    path, query, headers = operation.path, {}, {}
    for one in operation.parameters:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(draw(values_of(place, one)), safe="") or "-")
        elif draw(st.booleans()):
            value = draw(values_of(place, one))
            if one["in"] == "query":
                query[one["name"]] = value
            else:
                headers[one["name"]] = header_value(value)
    ways = [name for way in operation.described["security"] for name in way]
    if "legacyToken" in ways and draw(st.booleans()):
        query["token"] = draw(st.sampled_from([place.room["token"]] * 6 + [value.split()[-1] for value in place.credentials.values() if value] + ["", "a b"]))
    credential = draw(st.sampled_from(["the key" if "apiKey" in ways else "a join token"] * 6 + list(place.credentials)))
    if place.credentials[credential] is not None:
        headers["Authorization"] = place.credentials[credential]
    body = None
    if draw(st.booleans()):
        schema = operation.body_schema or {"type": "object", "properties": {"room": {"type": "string"}}}
        body = draw(st.one_of(fitting(schema).map(encoded), twisted(schema).map(encoded), RAW))
        headers["Content-Type"] = draw(TYPES)
    return Sent(path, query, headers, body)


def header_value(text):
    return re.sub(r"[^\x21-\x7e]", "", text)


def encoded(value):
    return json.dumps(value).encode()


def send(place, method, sent):
    """The answer, which is as described or the test has failed."""
    origin = place.home.info["api"].removesuffix("/v1")
    url = requests.Request(method, origin + sent.path, params=sent.query).prepare().url
    assert urlsplit(url).netloc == urlsplit(origin).netloc
    answer = place.session.request(method, url, headers=sent.headers, data=sent.body, timeout=10)
    assert answer.status_code < 500, f"{method} {sent.path}: {answer.status_code} {answer.text}"
    contract.check(answer)
    return answer



def whatever_is_asked(place, operation, how):
    @how
    @given(any_request(place, operation))
    def ask(sent):
        send(place, operation.method, sent)
    ask()


def what_fits_is_understood(place, operation, how):
    """A body by the schema, with the key, is not refused for its form."""
    @how
    @given(fitting(operation.body_schema))
    def ask(body):
        if "public_key" in body:
            body = {**body, "algorithm": "ES256"}  # which the key is made for
        answer = send(place, operation.method, Sent(path_there(place, operation), {}, the_key(place), encoded(body)))
        assert answer.status_code not in (400, 413, 415), f"{body}: {answer.text}"
    ask()


def what_does_not_fit_is_refused(place, operation, how):
    """A body that the schema refuses is refused by the server too, and the room stays as it was."""
    fits = contract.validator(operation.body_schema)

    @how
    @given(twisted(operation.body_schema).filter(lambda body: not fits.is_valid(body)))
    def ask(body):
        room = f"/v1/rooms/{place.room['id']}"
        before = place.home.rest("GET", room).json()
        answer = send(place, operation.method, Sent(path_there(place, operation), {}, the_key(place), encoded(body)))
        assert answer.status_code in (400, 413), f"{body}: {answer.status_code} {answer.text}"
        assert place.home.rest("GET", room).json() == before
    ask()


def the_key(place):
    return {"Authorization": place.credentials["the key"], "Content-Type": "application/json"}


def path_there(place, operation):
    """A path that leads somewhere; to what is nobody's, at least well formed."""
    path = operation.path
    for one in operation.parameters:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", (known(place, one["name"]) or [one["example"]])[0])
    return path


PROPERTIES = [(whatever_is_asked, one) for one in OPERATIONS] + [
    (check, one) for check in (what_fits_is_understood, what_does_not_fit_is_refused) for one in WITH_BODY]


@pytest.mark.parametrize("check, operation", PROPERTIES, ids=[f"{check.__name__}-{one.id}" for check, one in PROPERTIES])
def test_it_holds(place, check, operation):
    check(place, operation, EVERYDAY)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("check, operation", PROPERTIES, ids=[f"{check.__name__}-{one.id}" for check, one in PROPERTIES])
def test_it_holds_for_long(place, check, operation):
    check(place, operation, DEEP)


@settings(EVERYDAY, max_examples=60)
@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]),
       st.sampled_from(["/v1/rooms", "/v1/rooms/known", "/v1/connect", "/v1/config", "/healthz", "/v1/nothing", "/v1/openapi.yaml", "/docs", "/",
                        "/nothing", "/sdk/otter.js", "/v1/keys", "/readyz"]),
       st.booleans())
def test_any_method_on_any_path_is_answered_as_described(place, method, path, with_key):
    headers = {"Authorization": place.credentials["the key"]} if with_key else {}
    if (method, path) != ("DELETE", "/v1/rooms/known"):
        send(place, method, Sent(path, {}, headers, None))
