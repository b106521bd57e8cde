# SPDX-License-Identifier: GPL-3.0-or-later
"""The room page in a frame of an application, which may join at once; and at the top level, where nothing but a press of the button joins."""

import html
import http.server
import threading

import pytest
from harness import room_page, webrtc
from harness.otter_home import OtterHome
from harness.wait import wait_until


class Application:
    """A web server of somebody else: one page, with a frame in it."""

    def __init__(self):
        self.frame = "about:blank"
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = application.page().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="application")
        self._thread.start()

    def page(self):
        return f'<!DOCTYPE html><title>App</title><iframe allow="camera; microphone" width="800" height="600" src="{html.escape(self.frame)}"></iframe>'

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def application():
    running = Application()
    yield running
    running.close()


def autojoined(url, name):
    return room_page.named(url, name).replace("#", "&autojoin=1#")


def test_a_link_cannot_switch_a_camera_on_by_itself(home, chromium):
    room = home.create_room()
    page = webrtc.counting_questions(chromium.new_page())
    page.goto(autojoined(room["url"], "Ann"))
    assert page.evaluate("[document.body.dataset.state, questions]") == ["lobby", 0]
    assert page.evaluate("document.getElementById('name').value") == "Ann"
    assert not [one for one in page.requests if "/v1/connect" in one["url"]]

    page.click("#join")
    page.wait_until("document.body.dataset.state === 'connected'", 20)
    assert page.evaluate("questions") == 1


def test_in_a_frame_of_an_allowed_origin_the_page_joins_at_once_with_its_devices(application, chromium):
    with OtterHome(settings={"general": {"allowed_origins": [application.origin]}}) as home:
        room = home.create_room(max_participants=2)
        bob = webrtc.join_without_media(chromium, home, room)
        application.frame = autojoined(room["url"], "Ann")
        page = webrtc.with_small_video(chromium.new_page())
        page.goto(application.origin)

        webrtc.wait_connected(bob)
        webrtc.wait_frames_grow(bob)
        (ann,) = bob.evaluate("otterCall.participants.map(({display, media}) => ({display, ...media}))")
        assert ann == {"display": "Ann", "audio": True, "video": True, "screen": False}
        assert page.exceptions == [] and page.policy_violations() == []


def test_in_a_frame_of_another_origin_there_is_no_page(application, home, chromium):
    room = home.create_room()
    application.frame = autojoined(room["url"], "Eve")
    page = chromium.new_page(application.origin)
    wait_until(lambda: any("frame-ancestors" in line for line in page.policy_violations()), 10, "the frame is refused")
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 0
