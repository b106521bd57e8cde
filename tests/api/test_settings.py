# SPDX-License-Identifier: GPL-3.0-or-later
"""HOME/conf/otter.json: what an operator sets goes into the configuration, and what is wrong in it stops the start with its name."""

import json
from pathlib import Path

import pytest
from harness.otter_home import CHECKOUT, OtterHome
from api.test_command import FAILED, USAGE, otter

WRONG = {
    "an origin for all": ({"general": {"allowed_origins": ["*"]}}, "general.allowed_origins: '*'"),
    "a text for a list": ({"general": {"allowed_origins": "https://app.example.org"}}, "general.allowed_origins: write a list"),
    "no network": ({"general": {"trusted_proxies": ["127.0.0.1", "10.0.0.1/8"]}}, "general.trusted_proxies: '10.0.0.1/8'"),
    "a path in the public URL": ({"general": {"public_url": "https://a.example/calls"}}, "general.public_url is 'https://a.example/calls'"),
    "a limit of nothing": ({"limits": {"connections": 0}}, "limits.connections is '0'"),
}
UNREADABLE = {
    "no JSON": ("{", "is not JSON"),
    "no object": ("[]", "must be like"),
    "no sections": ('{"connections": 5}', "must be like"),
    "a name that is none": ('{"limits": {"x = 1; }": 5}}', "is no name"),
    "null": ('{"limits": {"connections": null}}', "limits.connections must be"),
    "keys of janus without a section": ('{"janus": {"event_loops": 4}}', "must be like"),
    "null for janus": ('{"janus": {"general": {"event_loops": null}}}', "janus: general.event_loops must be"),
    "a fraction": ('{"limits": {"connections": 1.5}}', "limits.connections must be"),
}


@pytest.fixture
def place(tmp_path):
    """A path for a home; whatever was started there is stopped at the end."""
    path = tmp_path / "home"
    (path / "conf").mkdir(parents=True)
    yield path
    otter("down", "--home", path)


def write(place, text):
    (place / "conf" / "otter.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_stops_the_start_with_a_line_that_names_it(place, case):
    settings, words = WRONG[case]
    write(place, json.dumps(settings))
    done = otter("up", "--home", place, "--port", "0")
    assert done.returncode == FAILED and words in done.stderr, done.stderr
    assert otter("status", "--home", place, "--json").stdout.count('"janus": null')


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_stops_the_start_before_janus(place, case):
    text, words = UNREADABLE[case]
    write(place, text)
    done = otter("up", "--home", place, "--port", "0")
    assert done.returncode == FAILED and words in done.stderr and "otter.json" in done.stderr, done.stderr
    assert not (place / "log" / "janus.log").exists()


def test_each_kind_of_value_goes_in_and_an_unknown_key_is_a_warning():
    settings = {"general": {"token_ttl": 60, "allowed_origins": [], "signaling_url": 'ws://a"b\\c'},
                "limits": {"connections": 100_000, "nonsense": [1, "two", True]}, "more": {"a": {"b": 1, "c": "d"}}}
    with OtterHome(settings=settings) as home:
        text = Path(home.home, "conf", "janus", "janus.plugin.otter.jcfg").read_text(encoding="utf-8")
        assert home.rest("GET", "/v1/config", key=None).json()["signaling"][0]["url"] == 'ws://a"b\\c'
        for line in ("\ttoken_ttl = 60\n", "\tallowed_origins = ()\n", '\tnonsense = (1, "two", true)\n', 'more: {\n\ta = { b = 1; c = "d" }\n}\n'):
            assert text.count(line) == 1, text
        assert text.count("token_ttl") == 1
        log = Path(home.home, "log", "janus.log").read_text(encoding="utf-8")
        assert "limits.connections is 100000, but Janus may open" in log  # more than a process has files
        assert "unknown key 'limits.nonsense'" in log and "unknown section 'more'" in log


def test_a_change_holds_from_the_next_start_of_janus_on(fresh_home):
    home = fresh_home
    config = home.home / "conf" / "otter.json"
    config.write_text('{"general": {"allowed_origins": ["https://app.example.org"]}}', encoding="utf-8")
    asked = {"Origin": "https://app.example.org"}
    assert "Access-Control-Allow-Origin" not in home.rest("GET", "/v1/config", key=None, headers=asked).headers
    home.down()
    home.up()
    assert home.rest("GET", "/v1/config", key=None, headers=asked).headers["Access-Control-Allow-Origin"] == asked["Origin"]
    home.down()
    config.unlink()
    home.up()
    assert "Access-Control-Allow-Origin" not in home.rest("GET", "/v1/config", key=None, headers=asked).headers


def test_a_folder_with_other_things_is_no_home_though_it_has_settings(place):
    write(place, "{}")
    (place / "conf" / "mine").write_text("x", encoding="utf-8")
    done = otter("up", "--home", place, "--port", "0")
    assert done.returncode == USAGE and "other things" in done.stderr


def test_every_setting_is_in_the_sample_with_its_default():
    sample = (CHECKOUT / "conf" / "janus.plugin.otter.jcfg.sample").read_text(encoding="utf-8")
    for name, value in {"key_requests_per_second": 50000, "connections": 2000, "connections_per_address": 256, "request_seconds": 15,
                        "login_failures": 10, "login_window": 1800}.items():
        assert f"#{name} = {value}\n" in sample
    assert "#allowed_origins = " in sample and "#trusted_proxies = " in sample
