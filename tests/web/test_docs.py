# SPDX-License-Identifier: GPL-3.0-or-later
"""/docs: the description of the REST API as a page, and the small reader of YAML behind it."""

import json
import re
import shlex

import pytest
import requests
import yaml
from harness import contract

READ = """async (texts) => {
    const {parseYaml} = await import('/components/yaml.js');
    return texts.map((text) => {
        try { return {value: parseYaml(text)}; } catch (error) { return {error: error.name, line: error.line, message: error.message}; }
    });
}"""


@pytest.fixture
def docs(home, chromium):
    """The page, ready."""
    page = chromium.new_page(f"{home.web}/docs")
    page.wait_until("document.body.dataset.state !== 'loading'", 30, "the reference is there")
    return page


@pytest.fixture
def page(home, chromium):
    """A page of the same server, which has nothing to show: for the reader alone."""
    return chromium.new_page(f"{home.web}/")


def read(page, *texts):
    return page.evaluate(READ, args=[list(texts)])


# The reader of YAML

def test_the_page_reads_the_description_as_everybody_does(page):
    text = contract.FILE.read_text(encoding="utf-8")
    (read_here,) = read(page, text)
    # Byte for byte: the order of the keys is that of the page.
    assert json.dumps(read_here["value"]) == json.dumps(yaml.safe_load(text))


SAME = [
    "a: 1\nb: -2.5\nc: true\nd: null\ne: text of words\n",
    "a:\n  - 1\n  - two\n  -\n    b: 3\n  - c: 4\n    d: 5\n  - - 6\n    - 7\n",
    "# a comment\na: b\n\n  # another\nc: d\n",
    "a: 'it''s'\nb: \"x\\ny \\u00e9\"\n'c d': e\n\"200\": f\n",
    "a: |\n  one\n    two\n\n  three\nb: |-\n  one\n\n\nc: last\n",
    "a: >\n  one\n  two\n\n  three\n    four\n  five\n\n\n  six\nb: >-\n  one\n  two\n",
    "a: |\n\n  begins empty\n",
    "a: {\"b\": [1, \"]}\", null], \"c\": {}}\nd: []\ne:\n  {\n    \"f\": 1,\n    \"g\": [\n      2\n    ]\n  }\n",
    "- a\n- b: 1\n  c: [2]\n",
    "/v1/rooms/{room}:\n  $ref: \"#/components\"\n  X-Request-Id: 3.1.0\n",
    "a: http://example.org/#b\nb: 10:30 o'clock\nc: a-b\nd: -a\n",
]

REFUSED = [
    ("a: &x 1\n", 1), ("a: 1\nb: *x\n", 2), ("a: !!str 1\n", 1), ("---\na: 1\n", 1), ("%YAML 1.2\na: 1\n", 1), ("a: 1\n---\nb: 2\n", 2),
    ("a: {b: 1}\n", 1), ("a: [1, 2\n", 1), ("a: [x]\n", 1), ("a: {'b': 1}\n", 1),
    ("a:\tb\n", 1), ("a: 1\r\nb: 2\r\n", 1), ("a: yes\n", 1), ("a: No\n", 1), ("a: ~\n", 1), ("a: 0x1f\n", 1), ("a: 010\n", 1), ("a: 1_000\n", 1),
    ("a: 1e3\n", 1), ("a: 2026-11-23\n", 1), ("a: 10:30\n", 1), ("a: .inf\n", 1), ("200: a\n", 1), ("yes: a\n", 1),
    ("a:\nb: 1\n", 1), ("a: 1\na: 2\n", 2), ("a: 1\n  b: 2\n", 2), ("a:\n  - 1\n  b: 2\n", 3), ("a:\n    b: 1\n  c: 2\n", 3), ("a: b # c\n", 1), ("a: b: c\n", 1),
    ("a: 'b\n", 1), ("a: \"b\\q\"\n", 1), ("a: 'b' c\n", 1), ("a: |+\n  b\n", 1), ("a: |2\n    b\n", 1), ("? a\n: b\n", 1), ("a\n", 1), ("", 1),
    ("a: @b\n", 1), ("a: `b`\n", 1), ("a: word\n  goes on\n", 2), ("<<: a\n", 1), ("-  a\n", 1), ("__proto__: 1\n", 1), ("a: |\n    b\n  c\n", 3),
]


def test_what_it_takes_it_reads_as_everybody_does(page):
    for text, read_here in zip(SAME, read(page, *SAME), strict=True):
        assert read_here == {"value": yaml.safe_load(text)}, text


def test_what_it_does_not_take_is_an_error_that_names_its_line(page):
    for (text, line), read_here in zip(REFUSED, read(page, *[text for text, _ in REFUSED]), strict=True):
        assert (read_here.get("error"), read_here.get("line")) == ("YamlError", line), f"{text!r}: {read_here}"
        assert re.match(rf"line {line}: .{{10,}}", read_here["message"])


# The page

def test_the_page_asks_nobody_but_its_own_server_and_breaks_no_policy(home, docs):
    assert docs.evaluate("document.body.dataset.state") == "ready"
    assert docs.origins() == {home.web}
    assert docs.policy_violations() == [] and docs.exceptions == []
    assert docs.evaluate("document.querySelectorAll('[style], main script, main style').length") == 0


def test_every_operation_is_shown_with_what_it_takes_and_answers(docs):
    shown = docs.evaluate("""[...document.querySelectorAll('article.operation')].map((each) => ({
        route: each.dataset.route, id: each.id, text: each.textContent,
        statuses: [...each.querySelectorAll('.status')].map((one) => one.textContent),
        codes: [...each.querySelectorAll('.error-code')].map((one) => one.textContent),
    }))""")
    operations = {f"{one.method} {one.path}": one for one in contract.operations()}
    assert sorted(each["route"] for each in shown) == sorted(operations)
    for each in shown:
        one = operations[each["route"]]
        assert each["id"] == one.id
        assert each["statuses"] == [str(status) for status in one.responses]
        assert one.described["summary"] in each["text"]
        assert all(parameter["name"] in each["text"] for parameter in one.parameters)
        for response in (response for status, response in one.responses.items() if status >= 400):
            for example in response["content"]["application/json"]["examples"].values():
                assert example["value"]["code"] in each["codes"]
    links = docs.evaluate("[...document.querySelectorAll('#contents-list a')].map((each) => each.hash.slice(1))")
    assert {one.id for one in operations.values()} <= set(links)
    assert docs.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].filter((each) => !document.getElementById(each.hash.slice(1))).length") == 0


def test_every_code_is_shown_with_its_meaning(docs):
    shown = docs.evaluate("[...document.querySelectorAll('#error-codes tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
    told = contract.document()["components"]["schemas"]["ErrorCode"]["x-errors"]
    assert shown == [[code, str(each["status"]), each["meaning"].replace("`", "")] for code, each in told.items()]


def curl_of(page, operation):
    return page.evaluate(f"document.querySelector('#{operation} .shows pre').textContent")


def test_every_command_line_asks_this_server_as_described(home, docs):
    for one in contract.operations():
        words = shlex.split(curl_of(docs, one.id).replace("\\\n", ""))
        assert words.pop(0) == "curl"
        assert (words.pop(words.index("-X") + 1) if "-X" in words else "GET") == one.method
        url = next(word for word in words if word.startswith("http"))
        assert url.startswith(home.web + "/") and "{" not in url and "undefined" not in url
        path = requests.Request("GET", url).prepare().path_url.partition("?")[0]
        assert one.method in contract.methods_of(path)
        if "-d" in words:
            body = json.loads(words[words.index("-d") + 1])
            assert contract.validator(one.body_schema).is_valid(body)
        assert ("-d" in words) == (one.body_schema is not None)


def test_the_first_command_line_makes_a_room(home, docs):
    words = shlex.split(curl_of(docs, "createRoom").replace("\\\n", "").replace("$OTTER_KEY", home.key))
    headers = dict(word.split(": ", 1) for before, word in zip(words, words[1:]) if before == "-H")
    answer = home.rest("POST", "/v1/rooms", key=None, headers=headers, data=words[words.index("-d") + 1])
    assert answer.status_code == 201


def test_an_example_is_copied_whole_and_another_one_can_be_chosen(docs):
    docs.evaluate("""void (navigator.clipboard.writeText = async (text) => { window.copied = text; })""")
    docs.click("#createRoom .code:last-of-type .copy")
    copied = json.loads(docs.wait_until("window.copied"))
    assert re.search(r"#token=eyJ[\w-]+\.[\w-]+\.[\w-]+$", copied["url"]), "what is shown short is copied whole"
    assert docs.evaluate("document.getElementById('live').textContent") == "Copied"
    docs.evaluate("""{
        const choice = document.querySelector('#createRoom .code:nth-of-type(2) select');
        choice.value = '2';
        choice.dispatchEvent(new Event('change'));
    }""")
    chosen = docs.evaluate("document.querySelector('#createRoom .code:nth-of-type(2) pre').textContent")
    assert json.loads(chosen) == {"max_participants": 2, "privacy": "relay"}


def test_an_error_shows_its_example_when_it_is_opened(docs):
    assert docs.evaluate("document.querySelector('#createRoom .failure .code')") is None
    docs.click("#createRoom .failure summary")
    docs.wait_until("document.querySelector('#createRoom .failure .code pre')?.textContent.includes('invalid_request')")


def test_a_route_is_found_by_its_words_and_by_the_keyboard(docs):
    docs.send("Input.dispatchKeyEvent", type="keyDown", key="/", text="/")
    docs.send("Input.dispatchKeyEvent", type="keyUp", key="/")
    docs.wait_until("document.activeElement?.id === 'find'")
    docs.send("Input.insertText", text="delete keys")
    shown = "[...document.querySelectorAll('#contents-list li')].filter((each) => each.offsetParent).map((each) => each.querySelector('a').hash)"
    assert docs.wait_until(f"{shown}.length === 1 && {shown}") == ["#deleteKey"]
    docs.send("Input.insertText", text=" and tea")
    docs.wait_until("document.getElementById('nothing').textContent")


def test_nothing_is_wider_than_the_screen(docs):
    docs.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    docs.wait_until("Boolean(document.querySelector('main .failure .code'))")
    for width in (320, 390, 768, 1280, 1600):
        docs.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 700)
        assert docs.evaluate("document.documentElement.scrollWidth") <= width
        wide = docs.evaluate("""[...document.querySelectorAll('main *')].filter((each) => {
            const box = each.getBoundingClientRect();
            return box.width && (box.right > innerWidth + 1 || box.left < -1) && !each.closest('pre, thead');
        }).map((each) => each.className || each.tagName).slice(0, 5)""")
        assert wide == [], f"at {width}"


def test_on_a_phone_the_contents_open_and_lead_to_an_operation(docs):
    docs.send("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    assert docs.evaluate("document.getElementById('contents').offsetParent") is None
    docs.click("#menu")
    assert docs.evaluate("document.getElementById('menu').getAttribute('aria-expanded')") == "true"
    docs.click("#contents-list a[href='#closeRoom']")
    docs.wait_until("document.getElementById('menu').getAttribute('aria-expanded') === 'false'")
    docs.wait_until("Math.abs(document.getElementById('closeRoom').getBoundingClientRect().top) < 200")


@pytest.mark.parametrize("fragment, moves", [("%", False), ("%E0%A4%A", False), ("no-such-place", False), ("closeRoom", True), ("close%52oom", True)])
def test_a_fragment_leads_to_its_place_or_nowhere_and_breaks_nothing(home, chromium, fragment, moves):
    page = chromium.new_page(f"{home.web}/docs#{fragment}")
    page.wait_until("document.body.dataset.state !== 'loading'", 30)
    assert page.evaluate("document.body.dataset.state") == "ready"
    assert (page.evaluate("scrollY") > 0) == moves
    assert page.exceptions == []


def test_a_description_that_cannot_be_read_is_said(home, chromium):
    page = chromium.new_page()
    page.send("Page.addScriptToEvaluateOnNewDocument", source="window.fetch = async () => new Response('a: &b 1\\n');")
    page.goto(f"{home.web}/docs")
    page.wait_until("document.body.dataset.state === 'error'", 30)
    assert "line 1: anchors" in page.evaluate("document.getElementById('message').textContent")
