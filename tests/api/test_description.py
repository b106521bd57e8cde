# SPDX-License-Identifier: GPL-3.0-or-later
"""transports/openapi.yaml against the route table, the table of errors, itself, and what is served."""

import re

import pytest
import requests
from harness import contract
from harness.otter_home import CHECKOUT

ROUTES_C = (CHECKOUT / "transports/routes.c").read_text(encoding="utf-8")
ERR_H = (CHECKOUT / "plugin/core/err.h").read_text(encoding="utf-8")
KEY_H = (CHECKOUT / "plugin/core/key.h").read_text(encoding="utf-8")

# What is served as a file: files.c knows them, the route table does not.
PAGES = {"GET /", "GET /docs", "GET /room/{}"}

# Which statuses every operation may answer, and which go with what it takes.
ALWAYS = {400, 413, 429, 500, 503}

OPERATIONS = contract.operations()


def route_table():
    """{"GET /v1/rooms/{}": {"rooms:read"}} of the table in routes.c."""
    table = ROUTES_C[ROUTES_C.index("} routes[] = {"):]
    table = table[:table.index("\n};")]
    rows = re.findall(r'\{ "([A-Z]+)", "([^"]+)", ([A-Z_| ]+), \w+[^}]*\}', table)
    assert len(rows) == table.count('{ "'), "a row of the table is written in another way than this test reads"
    return {f"{method} {re.sub('{[^}]+}', '{}', path)}": {scope.removeprefix("OTTER_SCOPE_").lower().replace("_", ":")
                                 for scope in scopes.split(" | ") if scope != "NO_KEY"} for method, path, scopes in rows}


def errors():
    """{code: status} of the table in err.h."""
    rows = re.findall(r'X\(\w+, "(\w+)", (\d+), "', ERR_H)
    return {code: int(status) for code, status in rows if code != "ok"}


def each(name="operation"):
    return pytest.mark.parametrize(name, OPERATIONS, ids=lambda one: one.id)


def codes_of(response):
    """The codes that a described error may have."""
    code = response["content"]["application/json"]["schema"]["properties"]["code"]
    return set(code.get("enum", [code.get("const")]))


# Both ways

def test_every_route_of_the_table_is_described():
    assert route_table().keys() - {one.route for one in OPERATIONS} == set()


def test_everything_described_is_a_route_or_a_page():
    described = {one.route for one in OPERATIONS}
    assert described - route_table().keys() - PAGES == set()
    assert PAGES <= described


@pytest.mark.parametrize("route", sorted(route_table()))
def test_a_route_needs_the_scopes_that_its_description_names(route):
    scopes = route_table()[route]
    (operation,) = [one for one in OPERATIONS if one.route == route]
    ways = operation.described["security"]
    if scopes:
        assert ways == [{"apiKey": ways[0]["apiKey"]}]
        assert set(ways[0]["apiKey"]) == scopes
    else:  # the handler judges by itself: a token, Otter's own way, or nothing
        assert all("apiKey" not in way or "legacy" in operation.id for way in ways)


def test_scopes_are_those_of_the_core():
    names = re.findall(r"OTTER_SCOPE_(\w+) = 1 << \d", KEY_H)
    assert contract.document()["components"]["schemas"]["Scope"]["enum"] == [name.lower().replace("_", ":") for name in names]


def test_every_code_of_the_core_has_its_status_and_its_meaning_and_no_other_code_is_told_of():
    code = contract.document()["components"]["schemas"]["ErrorCode"]
    assert code["enum"] == list(errors()) == list(code["x-errors"])
    assert {name: said["status"] for name, said in code["x-errors"].items()} == errors()
    assert all(said["meaning"] for said in code["x-errors"].values())


# What an operation says

@each()
def test_an_operation_says_what_it_is(operation):
    said = operation.described
    assert said["summary"] and not said["summary"].endswith(".")
    assert said["description"].strip().endswith((".", "?"))
    assert len(operation.tags) == 1 and operation.tags[0] in [tag["name"] for tag in contract.document()["tags"]]
    assert [one.id for one in OPERATIONS].count(operation.id) == 1
    holes = set(re.findall(r"{(\w+)}", operation.path))
    assert {one["name"] for one in operation.parameters if one["in"] == "path"} == holes
    assert all(one["required"] for one in operation.parameters if one["in"] == "path")
    assert all(one["description"] for one in operation.parameters)


@each()
def test_an_operation_has_the_errors_that_go_with_what_it_takes(operation):
    wanted = set(ALWAYS)
    ways = [name for way in operation.described["security"] for name in way]
    if ways and operation.id != "legacyMovePage":
        wanted |= {401}
    if any(name in ("apiKey", "legacyKey") for name in ways):
        wanted |= {403}
    if operation.body_schema:
        wanted |= {415}
    if any(one["in"] == "path" for one in operation.parameters):
        wanted |= {404}
    if any(one["name"] in ("If-Match", "If-None-Match") for one in operation.parameters) and operation.method != "GET":
        wanted |= {412}
    assert wanted <= operation.responses.keys()


@each()
def test_errors_of_an_operation_have_codes_of_their_status_and_an_example_of_each(operation):
    for status, response in operation.responses.items():
        if status < 400:
            continue
        codes = codes_of(response)
        assert codes and {errors()[code] for code in codes} == {status}
        examples = response["content"]["application/json"]["examples"].values()
        assert {one["value"]["code"] for one in examples} == codes
        assert "X-Request-Id" in response["headers"]
        assert ("Retry-After" in response["headers"]) == (status in (429, 503))
        assert ("WWW-Authenticate" in response["headers"]) == (status == 401)


@each()
def test_every_request_and_answer_with_a_body_has_examples_and_they_fit(operation):
    bodies = []
    if operation.body_schema:
        bodies.append(operation.described["requestBody"]["content"])
    bodies += [response["content"] for response in operation.responses.values() if "content" in response]
    for content in bodies:
        for media in content.values():
            examples = [contract.resolved(one) for one in media["examples"].values()]
            assert examples
            for one in examples:
                assert one["summary"]
                assert [error.message for error in contract.validator(media["schema"]).iter_errors(one["value"])] == []


@each()
def test_parameters_and_headers_have_examples_that_fit(operation):
    headers = [contract.resolved(one) for response in operation.responses.values() for one in response.get("headers", {}).values()]
    for one in [*operation.parameters, *headers]:
        assert "example" in one, one
        assert [error.message for error in contract.validator(one["schema"]).iter_errors(one["example"])] == []


def test_every_schema_of_an_answer_is_closed_so_that_a_field_that_is_not_described_is_found():
    for operation in OPERATIONS:
        for response in operation.responses.values():
            for media in response.get("content", {}).values():
                for name, schema in objects(media["schema"]):
                    closed = schema.get("additionalProperties") is False or schema.get("unevaluatedProperties") is False
                    assert closed or name == "metadata", f"{operation.id}: {name}"


def objects(schema, name=""):
    """(name, schema) of the objects within a schema, references followed; what a reference adds to comes with it."""
    target = schema
    while "$ref" in target:
        target = {**contract.resolved({"$ref": target["$ref"]}), **{key: value for key, value in target.items() if key != "$ref"}}
    if target.get("type") == "object" or "properties" in target:
        yield name, target
    for key, value in target.get("properties", {}).items():
        yield from objects(value, key)
    for value in [*target.get("anyOf", ()), *([target["items"]] if "items" in target else ())]:
        yield from objects(value, name)


def test_nothing_in_the_components_is_without_use():
    text = contract.FILE.read_text(encoding="utf-8")
    components = contract.document()["components"]
    unused = [f"{kind}/{name}" for kind in components if kind != "securitySchemes" for name in components[kind]
              if f'"#/components/{kind}/{name}"' not in text]
    assert unused == []


# The check itself must be able to fail

def answered(method, path, status, body, **headers):
    answer = requests.Response()
    answer.status_code, answer._content = status, body.encode()
    answer.headers.update({"X-Request-Id": "rq_FxqyTMWMvXGnT6blnpNt", "Content-Type": "application/json", **headers})
    answer.request = requests.Request(method, f"http://127.0.0.1{path}").prepare()
    return answer


GOOD = [
    ("GET", "/healthz", 200, '{"status": "ok"}', {}),
    ("GET", "/v1/nothing", 404, '{"code": "not_found", "message": "-", "request_id": "rq_FxqyTMWMvXGnT6blnpNt"}', {}),
    ("PUT", "/healthz", 405, '{"code": "method_not_allowed", "message": "-", "request_id": "rq_FxqyTMWMvXGnT6blnpNt"}', {"Allow": "GET"}),
]
BAD = [
    ("a status that is not described", "GET", "/healthz", 204, "", {}),
    ("another value", "GET", "/healthz", 200, '{"status": "well"}', {}),
    ("a field that is not described", "GET", "/healthz", 200, '{"status": "ok", "load": 3}', {}),
    ("a field that is missing", "GET", "/healthz", 200, "{}", {}),
    ("no JSON", "GET", "/healthz", 200, "ok", {}),
    ("another type", "GET", "/healthz", 200, '{"status": "ok"}', {"Content-Type": "text/html"}),
    ("a request id of another shape", "GET", "/healthz", 200, '{"status": "ok"}', {"X-Request-Id": "7"}),
    ("a code of another status", "GET", "/healthz", 400, '{"code": "conflict", "message": "-", "request_id": "rq_FxqyTMWMvXGnT6blnpNt"}', {}),
    ("503 without Retry-After", "GET", "/healthz", 503, '{"code": "unavailable", "message": "-", "request_id": "rq_FxqyTMWMvXGnT6blnpNt"}', {}),
    ("a method that is not told of", "PUT", "/healthz", 405,
     '{"code": "method_not_allowed", "message": "-", "request_id": "rq_FxqyTMWMvXGnT6blnpNt"}', {"Allow": "GET, POST"}),
    ("an answer on a route that is not described", "GET", "/v1/nothing", 200, "{}", {}),
    ("an object without its fields", "GET", "/v1/rooms/a", 200, "{}", {}),
]


@pytest.mark.parametrize("method, path, status, body, headers", GOOD)
def test_the_check_passes_what_is_described(method, path, status, body, headers):
    contract.check(answered(method, path, status, body, **headers))


@pytest.mark.parametrize("why, method, path, status, body, headers", BAD, ids=[one[0] for one in BAD])
def test_the_check_finds(why, method, path, status, body, headers):
    with pytest.raises(AssertionError, match="is not as"):
        contract.check(answered(method, path, status, body, **headers))


def test_a_link_in_an_answer_that_never_has_one_is_found():
    operation = next(one for one in OPERATIONS if one.id == "getRoom")
    room = operation.responses[200]["content"]["application/json"]["examples"]["occupied"]
    room = {**contract.resolved(room)["value"], "url": "https://call.example.org/"}
    errors_of = contract.validator({"$ref": "#/components/schemas/Room"}).iter_errors(room)
    assert ["url" in error.message for error in errors_of] == [True]


# What is served

def test_the_description_is_served_as_it_stands(home):
    answer = home.rest("GET", "/v1/openapi.yaml", key=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/yaml; charset=utf-8")
    assert answer.content == contract.FILE.read_bytes()
    again = home.rest("GET", "/v1/openapi.yaml", key=None, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_description_is_of_this_version(home):
    assert contract.document()["info"]["version"] == home.rest("GET", "/v1/config", key=None).json()["version"]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_is_served(home, page):
    answer = home.rest("GET", page.split()[1].replace("{}", "rm_x"), key=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
