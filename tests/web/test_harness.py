# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness itself: if these fail, no other test of a browser means anything."""

import http.server
import os
import socket
import threading

import pytest

from harness import procnet, webrtc
from harness.cdp import CdpError
from harness.chromium import Browser, JavaScriptError
from harness.janus import webrtc_traces
from harness.wait import wait_until

# Two peer connections in one page, exposed as the room page exposes its Call.
CALL_WITH_ONESELF = b"""<!doctype html><meta charset="utf-8"><title>call with oneself</title>
<video id="seen" autoplay muted playsinline></video>
<script type="module">
const near = new RTCPeerConnection(), far = new RTCPeerConnection();
window.otterCall = {connections: new Map([['pt_far', near]])};
window.far = far;
near.onicecandidate = ({candidate}) => far.addIceCandidate(candidate);
far.onicecandidate = ({candidate}) => near.addIceCandidate(candidate);
near.ontrack = ({streams: [stream]}) => { document.querySelector('#seen').srcObject = stream; };
const media = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 160, height: 120, frameRate: 10}});
for (const track of media.getTracks()) { near.addTrack(track, media); far.addTrack(track, media); }
await near.setLocalDescription();
await far.setRemoteDescription(near.localDescription);
await far.setLocalDescription();
await near.setRemoteDescription(far.localDescription);
document.body.dataset.state = 'ready';
</script>"""

PAGES = {
    "/call": ("text/html", CALL_WITH_ONESELF),
    "/plain": ("text/html", b"<!doctype html><title>plain</title><link rel='icon' href='data:,'><p>here"),
    "/unguarded": ("text/html", b"<!doctype html><title>no policy</title><link rel='icon' href='data:,'>"),
    "/worker.js": ("text/javascript", b"fetch('/asked-by-worker').then(() => postMessage('done'));"),
    "/asked-by-worker": ("text/plain", b"yes"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind, body = PAGES.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in PAGES else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/plain":
            self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline' data:")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_two_peer_connections_in_a_page_decode_frames_of_the_fake_camera(chromium, site):
    page = chromium.new_page(f"{site}/call")
    page.wait_until("document.body.dataset.state === 'ready'")

    assert webrtc.wait_connected(page) == ["pt_far"]
    webrtc.wait_frames_grow(page)

    pair = webrtc.selected_pair(page)
    assert (pair["local"], pair["protocol"], pair["relayProtocol"]) == ("host", "udp", None)
    assert pair["remote"] in ("host", "prflx")
    assert pair["bytes"] > 0
    assert page.exceptions == []


def test_frames_that_stand_still_are_not_taken_for_a_call(chromium, site):
    page = chromium.new_page(f"{site}/call")
    webrtc.wait_connected(page)
    webrtc.wait_frames_grow(page)
    page.evaluate("Promise.all(far.getSenders().map(sender => sender.replaceTrack(null)))")

    with pytest.raises(AssertionError, match="moves on"):
        webrtc.wait_frames_grow(page, by=10, timeout=2)  # at 10 frames a second, were they still coming


def test_a_page_without_connections_is_not_connected(chromium, site):
    page = chromium.new_page(f"{site}/plain")
    with pytest.raises(AssertionError, match="connected with 1 peer"):
        webrtc.wait_connected(page, timeout=0.2)


def test_two_people_in_one_browser_share_nothing(chromium, site):
    ann, ben = chromium.new_page(f"{site}/plain"), chromium.new_page(f"{site}/plain")
    ann.evaluate("localStorage.setItem('who', 'ann'); document.cookie = 'who=ann'")

    assert ann.evaluate("[localStorage.who, document.cookie]") == ["ann", "who=ann"]
    assert ben.evaluate("[localStorage.who ?? null, document.cookie]") == [None, ""]


def test_what_a_page_throws_reaches_the_test_with_its_text(chromium, site):
    page = chromium.new_page(f"{site}/plain")

    with pytest.raises(JavaScriptError, match="TypeError: otter bites"):
        page.evaluate("Promise.reject(new TypeError('otter bites'))")
    page.evaluate("console.warn('careful', {depth: 3}); setTimeout(() => { throw new Error('late'); }); 0")
    wait_until(lambda: page.exceptions, what="the late exception is seen")

    assert "Error: late" in page.exceptions[0]
    assert "warning: careful {depth: 3}" in page.console
    assert "Error: late" in page.report()


def test_a_page_reports_every_host_it_asks_also_from_workers_and_for_sockets(chromium, site):
    page = chromium.new_page(f"{site}/unguarded")
    page.evaluate("new Promise(done => new Worker('/worker.js').onmessage = done) && 0")
    page.evaluate("new WebSocket('ws://127.0.0.1:9/nobody') && 0")
    page.evaluate("void fetch('http://third.invalid/party').catch(() => 0)")
    wait_until(lambda: len(page.origins()) == 3, what="all three hosts are seen")

    assert page.origins() == {site, "ws://127.0.0.1:9", "http://third.invalid"}
    wait_until(lambda: f"{site}/asked-by-worker" in [r["url"] for r in page.requests], what="the worker is heard")


def test_what_the_policy_of_a_page_forbids_is_told_apart_from_silence(chromium, site):
    page = chromium.new_page(f"{site}/plain")
    assert page.policy_violations() == []
    page.evaluate("void fetch('http://third.invalid/party').catch(() => 0)")
    wait_until(page.policy_violations, what="the violation is seen")

    assert page.origins() == {site}


def test_a_response_is_kept_with_its_headers_and_body(chromium, site):
    page = chromium.new_page(f"{site}/plain#here")
    document = page.document()
    assert document["status"] == 200
    assert "default-src 'self'" in document["headers"]["content-security-policy"]
    assert "<p>here" in page.body(document)
    assert page.evaluate("location.hash") == "#here"


def test_a_click_goes_where_a_person_would_click(chromium, site):
    page = chromium.new_page(f"{site}/plain")
    page.evaluate("""document.body.innerHTML = '<button id="join">Join</button>';
        document.querySelector('#join').onclick = event => document.title = event.isTrusted; 0""")
    page.click("#join")
    page.wait_until("document.title === 'true'")


def test_a_closed_tab_says_goodbye_and_is_gone(chromium, site):
    person = chromium.new_context()
    stays, goes = person.new_page(f"{site}/plain"), person.new_page(f"{site}/plain")
    goes.evaluate("addEventListener('pagehide', () => localStorage.setItem('bye', 'yes'))")

    goes.close()
    assert stays.wait_until("localStorage.bye") == "yes"
    assert person.pages == [stays]


def test_a_reloaded_page_starts_anew_and_keeps_its_session(chromium, site):
    page = chromium.new_page(f"{site}/plain")
    page.evaluate("sessionStorage.setItem('kept', 'yes'); window.lost = true")
    page.reload()
    assert page.evaluate("[sessionStorage.kept, window.lost ?? false]") == ["yes", False]


def test_a_page_that_cannot_be_reached_is_told_as_such(chromium):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CdpError, match="ERR_CONNECTION_REFUSED"):
        chromium.new_page(f"http://127.0.0.1:{port}/")


def test_a_picture_of_the_page_is_a_png(chromium, site, tmp_path):
    page = chromium.new_page(f"{site}/plain")
    path = page.screenshot(tmp_path / "page.png")
    with open(path, "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_a_closed_browser_leaves_no_process_and_no_profile():
    with Browser() as browser:
        pid, profile = browser.pid, browser.profile
        assert browser.new_page().evaluate("6 * 7") == 42
    assert not os.path.exists(profile)
    assert not os.path.exists(f"/proc/{pid}")
    wait_until(lambda: not processes_of_group(pid), what="the browser's helpers end with it")


def test_a_datagram_socket_of_a_process_is_found_with_what_waits_in_it():
    before = procnet.udp_sockets(os.getpid())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.sendto(b"x", sock.getsockname())
        found = [s for s in procnet.udp_sockets(os.getpid()) if s not in before]
        assert [(s.local, s.drops) for s in found] == [(sock.getsockname(), 0)]
        assert found[0].rx_queue > 0
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::1", 0))
        assert sock.getsockname()[:2] in [s.local for s in procnet.udp_sockets(os.getpid())]
    assert procnet.udp_sockets(os.getpid()) == before


def test_a_stream_socket_is_not_taken_for_a_datagram_socket():
    before = procnet.udp_sockets(os.getpid())
    with socket.create_server(("127.0.0.1", 0)):
        assert procnet.udp_sockets(os.getpid()) == before


# As Janus 1.1.2 answers for a handle that only exchanged messages.
SILENT_HANDLE = {
    "session_id": 1, "session_last_activity": 1, "session_timeout": 60,
    "session_transport": "janus.transport.websockets", "handle_id": 2, "loop-running": True, "created": 1, "current_time": 2, "plugin": "janus.plugin.otter",
    "plugin_specific": {}, "flags": {"got-offer": False, "trickle": False}, "sdps": {}, "queued-packets": 0,
}


def test_a_handle_that_only_exchanged_messages_shows_no_webrtc():
    assert webrtc_traces(SILENT_HANDLE) == {}


@pytest.mark.parametrize("trace", [
    {"agent-created": 1}, {"ice-mode": "full"}, {"ice-role": "controlled"}, {"pending-trickles": 1},
    {"webrtc": {"ice": {}}}, {"sdps": {"profile": "UDP/TLS/RTP/SAVPF"}}, {"queued-packets": 1},
    {"flags": {"got-offer": True}}, {"flags": {"trickle": True}}, {"streams": []},
], ids=str)
def test_each_trace_of_webrtc_on_a_handle_is_seen(trace):
    assert webrtc_traces({**SILENT_HANDLE, **trace})


def test_an_answer_that_leaves_out_the_webrtc_part_proves_nothing():
    assert webrtc_traces({"plugin": "janus.plugin.otter", "plugin_specific": {}})


def processes_of_group(group):
    members = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if os.getpgid(int(pid)) == group:
                members.append(pid)
        except ProcessLookupError:
            continue
    return members
