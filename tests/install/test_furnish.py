# SPDX-License-Identifier: GPL-3.0-or-later
"""docker/furnish.py without a container: what it makes of the environment, and a Janus that runs with it."""

import importlib
import os
import re
from pathlib import Path

import pytest
import requests
from install.free_ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
APP = "https://app.example.org"
PATIENCE_S = 10
FAILURES = 10  # of one client, before it is told to wait


@pytest.fixture
def furnish(monkeypatch, tmp_path):
    """The module, for a home of the test's own, and an environment that says nothing."""
    for name in [name for name in os.environ if name.startswith("OTTER_") and name not in ("OTTER_STAGE", "OTTER_SANITIZE", "OTTER_JANUS_PREFIX")]:
        monkeypatch.delenv(name)
    for folder in ("scripts", "docker"):
        monkeypatch.syspath_prepend(ROOT / folder)
    module = importlib.import_module("furnish")
    monkeypatch.setattr(module, "OTTER", tmp_path / "home")
    monkeypatch.setattr(module, "INSTALLED", Path(os.environ.get("OTTER_STAGE") or importlib.import_module("otterctl.build").stage()))
    return module


def configuration(furnish, name="janus.plugin.otter"):
    return (furnish.OTTER / "conf" / "janus" / f"{name}.jcfg").read_text(encoding="utf-8")


def line_of(text, key):
    found = re.search(rf"^\s*{key} = (.*)$", text, re.M)
    return found and found.group(1)


@pytest.mark.parametrize("public, signaling", [
    ("http://127.0.0.1:8080", "ws://127.0.0.1:8188"), ("http://calls.example.org", "ws://calls.example.org:8188"),
    ("http://[2001:db8::7]:8080", "ws://[2001:db8::7]:8188")])
def test_the_websocket_is_sought_on_the_host_of_the_public_url(furnish, public, signaling):
    assert furnish.signaling_url(public, 8188) == signaling


def test_proxies_and_origins_go_into_the_configuration(furnish, monkeypatch):
    monkeypatch.setenv("OTTER_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,")
    monkeypatch.setenv("OTTER_ALLOWED_ORIGINS", APP)
    furnish.furnish_otter()
    text = configuration(furnish)
    assert line_of(text, "trusted_proxies") == '("127.0.0.1", "10.0.0.0/8")'
    assert line_of(text, "allowed_origins") == f'("{APP}")'

    monkeypatch.setenv("OTTER_TRUSTED_PROXIES", "")
    monkeypatch.delenv("OTTER_ALLOWED_ORIGINS")
    furnish.furnish_otter()
    assert line_of(configuration(furnish), "trusted_proxies") is None and line_of(configuration(furnish), "allowed_origins") is None


def test_what_an_operator_wrote_counts_more_than_the_environment(furnish, monkeypatch):
    monkeypatch.setenv("OTTER_ALLOWED_ORIGINS", APP)
    (furnish.OTTER / "conf").mkdir(parents=True)
    (furnish.OTTER / "conf" / "otter.json").write_text('{"general": {"allowed_origins": []}}', encoding="utf-8")
    furnish.furnish_otter()
    assert line_of(configuration(furnish), "allowed_origins") == "()"


@pytest.fixture
def running(furnish, monkeypatch):
    """Janus as the container starts it, behind a proxy on this machine."""
    janus, homes = importlib.import_module("otterctl.janus"), importlib.import_module("otterctl.home")
    for name, port in zip(("HTTP", "SIGNALING", "ADMIN"), free_ports(3)):
        monkeypatch.setenv(f"OTTER_{name}_PORT", str(port))
    monkeypatch.setenv("OTTER_TRUSTED_PROXIES", "127.0.0.1")
    monkeypatch.setenv("OTTER_ALLOWED_ORIGINS", APP)
    furnish.furnish_otter()
    home = homes.Home(furnish.OTTER)
    service = janus.service(home)
    service.start(janus.environment())
    try:
        service.wait_ready(janus.ready_checks(home, furnish.ports()))
        yield home, f"http://127.0.0.1:{furnish.ports()['http']}"
    finally:
        service.stop()


def test_behind_the_proxy_clients_are_told_apart_and_pages_of_an_allowed_origin_served(running):
    _, web = running

    def guess(client):
        return requests.get(f"{web}/v1/rooms", headers={"Authorization": "Bearer tea", "X-Forwarded-For": client}, timeout=PATIENCE_S).status_code
    assert {guess("192.0.2.1") for _ in range(FAILURES)} == {401}
    assert (guess("192.0.2.1"), guess("192.0.2.2")) == (429, 401)
    answer = requests.post(f"{web}/v1/connect", headers={"Origin": APP}, timeout=PATIENCE_S)
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert f"frame-ancestors {APP}" in requests.get(f"{web}/room/rm_x", timeout=PATIENCE_S).headers["Content-Security-Policy"]


def test_keys_are_administered_by_the_socket(running):
    home, _ = running
    administration = importlib.import_module("otterctl.administration")
    made = administration.ask(home, "POST", "/v1/keys", {"name": "backend", "scopes": ["rooms:read"]})
    assert made["id"] in [key["id"] for key in administration.all_of(home, "/v1/keys", "keys")]
