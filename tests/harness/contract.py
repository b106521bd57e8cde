# SPDX-License-Identifier: GPL-3.0-or-later
"""What transports/openapi.yaml promises, held against what was really answered.

    contract.check(answer)      # a requests.Response: AssertionError says where the two disagree

OtterHome.rest() does so with every answer of every test.
"""

import functools
import re
import threading
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, RefResolver

FILE = Path(__file__).resolve().parents[2] / "transports" / "openapi.yaml"

LOCK = threading.Lock()  # tests ask from many threads at once, and the validators share a resolver that keeps its place

METHODS = ("get", "post", "put", "patch", "delete")

# What any route, and any path that is none, may be answered before anybody looks at what it asks for.
ALWAYS = {400: "invalid_request", 413: "too_large", 429: "rate_limited", 500: "internal", 503: "unavailable"}

# Answered to pages of other origins alone: the routes that a page may ask.
CORS_TAG = "Joining"


@functools.cache
def document():
    """The description, as it stands in the checkout."""
    return yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@functools.cache
def _resolver():
    return RefResolver("", document())


def resolved(node):
    """The node that a reference leads to."""
    while "$ref" in node and len(node) == 1:
        node = _resolver().resolve(node["$ref"])[1]
    return node


def validator(schema):
    """A validator of one schema of the description."""
    return Draft202012Validator(schema, resolver=_resolver())


class Operation:
    """A method on a path, and what it may be answered."""

    def __init__(self, method, path, shared, described):
        self.method, self.path, self.described = method.upper(), path, described
        self.id = described["operationId"]
        self.tags = described["tags"]
        self.route = f"{self.method} {re.sub(r'{[^}]+}', '{}', path)}"
        self.parameters = [resolved(one) for one in (*shared, *described.get("parameters", ()))]
        self.responses = {int(status): resolved(one) for status, one in described["responses"].items()}
        body = described.get("requestBody")
        self.body_required = bool(body and body["required"])
        self.body_schema = body["content"]["application/json"]["schema"] if body else None
        self._checks = {}

    def check(self, answer, problem):
        response = self.responses.get(answer.status_code)
        if response is None:
            problem("this status is not described")
            return
        if "ETag" in answer.headers and "ETag" not in response.get("headers", {}):
            problem("the header ETag is not described")
        for name, header in response.get("headers", {}).items():
            self._check_header(answer, name, resolved(header), problem)
        _check_body(answer, response.get("content"), self._validators(answer.status_code, response), problem)

    def _check_header(self, answer, name, header, problem):
        if name not in answer.headers:
            problem(f"the header {name} is missing")
            return
        for error in validator(header["schema"]).iter_errors(answer.headers[name]):
            problem(f"the header {name}: {error.message}")

    def _validators(self, status, response):
        if status not in self._checks:
            self._checks[status] = {type_: validator(media["schema"]) for type_, media in response.get("content", {}).items()}
        return self._checks[status]


@functools.cache
def operations():
    """Everything described, in its order."""
    return [Operation(method, path, item.get("parameters", ()), item[method])
            for path, item in document()["paths"].items() for method in item if method in METHODS]


@functools.cache
def _by_path():
    """(pattern of the path, {method: operation}), those without holes first: they win."""
    paths = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method] = operation
    return [(re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path))), methods)
            for path, methods in sorted(paths.items(), key=lambda one: one[0].count("{"))]


@functools.cache
def _error():
    return validator({"$ref": "#/components/schemas/Error"})


def methods_of(path):
    """{method: operation} of a path as it was sent; empty if it is not described."""
    return next((methods for pattern, methods in _by_path() if pattern.fullmatch(path)), {})


def check(answer):
    """An answer, and those that redirected to it, are as described."""
    for one in (*answer.history, answer):
        with LOCK:
            problems = _problems(one)
        assert not problems, "\n".join([f"{one.request.method} {urlsplit(one.request.url).path}: {one.status_code} is not as "
                                        "transports/openapi.yaml says", *problems, one.text[:2000]])


def _problems(answer):
    problems = []
    method, path = answer.request.method, urlsplit(answer.request.url).path
    methods = methods_of(path)
    operation = methods.get("GET" if method == "HEAD" else method)
    if "X-Request-Id" not in answer.headers:
        problems.append("the header X-Request-Id is missing")
    if operation:
        operation.check(answer, problems.append)
    elif method == "OPTIONS" and answer.status_code == 204 and (path.startswith("/v1/room/") or any(CORS_TAG in one.tags for one in methods.values())):
        if "Access-Control-Allow-Origin" not in answer.headers:
            problems.append("a preflight is answered without Access-Control-Allow-Origin")
    elif methods:
        _check_error(answer, {**ALWAYS, 405: "method_not_allowed"}, problems.append)
        allowed = {each.strip() for each in answer.headers.get("Allow", "").split(",")} - {"OPTIONS", "HEAD"}
        if answer.status_code == 405 and allowed != set(methods):
            problems.append(f"Allow is {sorted(allowed)}, described are {sorted(methods)}")
    elif path.startswith("/v1/") or answer.status_code not in (200, 304):
        _check_error(answer, {**ALWAYS, 404: "not_found", 405: "method_not_allowed"}, problems.append)
    elif "ETag" not in answer.headers or "Content-Security-Policy" not in answer.headers:
        problems.append("neither described nor a file of the web app")
    return problems


def _check_error(answer, codes, problem):
    """One of the errors that need no description of their own."""
    if answer.status_code not in codes:
        problem("this status is not described")
        return
    _check_body(answer, {"application/json": {}}, {"application/json": _error()}, problem)
    if answer.content and answer.json().get("code") != codes[answer.status_code]:
        problem(f"the code is not {codes[answer.status_code]}")


def _check_body(answer, content, validators, problem):
    if not content or answer.request.method == "HEAD":
        if answer.content:
            problem("there is a body, and none is described")
        return
    type_ = answer.headers.get("Content-Type", "").partition(";")[0]
    if type_ not in content:
        problem(f"the type is {type_!r}, described is {' or '.join(content)}")
        return
    try:
        value = answer.json() if type_ == "application/json" else answer.text
    except ValueError:
        problem("the body is not JSON")
        return
    for error in validators[type_].iter_errors(value):
        problem(f"{error.json_path}: {error.message}")

