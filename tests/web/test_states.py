# SPDX-License-Identifier: GPL-3.0-or-later
"""Each state of the room page, brought about for real: what it says, that all can use it, and how it looks.

The pictures lie in tests/artifacts/state-*.png: wide and narrow, light and dark.
"""

import itertools
from urllib.parse import urlsplit

import pytest

from harness import chromium as harness_chromium
from harness import room_page, tokens, webrtc
from harness.artifacts import artifact
from harness.chromium import Browser
from harness.wait import wait_until

SIZES = {"wide": (1280, 720), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
FAKE_DEVICES = "--use-fake-device-for-media-stream"
FAKE_CONSENT = "--use-fake-ui-for-media-stream"

NAMELESS = ("", None)
MUST_HAVE_NAMES = {"button", "link", "textbox", "image", "toolbar", "list", "checkbox", "heading"}

# What an inspector of accessibility would complain about first, besides names.
COMPLAINTS = """(() => {
    const found = [];
    const ids = [...document.querySelectorAll('[id]')].map(node => node.id);
    const shown = node => node.checkVisibility({visibilityProperty: true}) && node.getClientRects().length > 0;
    for (const id of ids) if (ids.filter(other => other === id).length > 1) found.push(`the id ${id} twice`);
    if (!document.documentElement.lang) found.push('no language');
    if (!document.title) found.push('no title');
    if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the window');
    for (const image of document.images) if (!image.hasAttribute('alt')) found.push(`an image without alt: ${image.src}`);
    const [section, ...more] = [...document.querySelectorAll('main > section')].filter(shown);
    if (!section || more.length) found.push('not exactly one section shows');
    for (const button of document.querySelectorAll('button')) {
        if (!shown(button)) continue;
        const {left, right, top, bottom, height} = button.getBoundingClientRect();
        if (left < 0 || right > innerWidth) found.push(`the button ${button.id} is beside the window`);
        if (document.body.dataset.state === 'connected' && (top < 0 || bottom > innerHeight)) found.push(`${button.id} is out of sight`);
        if (height < 24) found.push(`the button ${button.id} is too small for a finger`);
    }
    return found;
})()"""

# Contrast of each visible text with what is behind it (WCAG 2.2, 1.4.3): below 4.5, or 3 if it is large.
CONTRAST = """(() => {
    const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = text => {
        pen.clearRect(0, 0, 1, 1); pen.fillStyle = text; pen.fillRect(0, 0, 1, 1);
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] / 255 + below[i] * (1 - top[3] / 255)).concat(255);
    const behind = node => {
        if (!node) return [255, 255, 255, 255];
        const colour = rgba(getComputedStyle(node).backgroundColor);
        return colour[3] === 255 ? colour : over(colour, behind(node.parentElement));
    };
    const light = colour => colour.slice(0, 3).map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) {
        const node = text.parentElement;
        if (!text.data.trim() || !node.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
        if (node.closest('.visually-hidden, noscript, :disabled')) continue;
        const style = getComputedStyle(node), back = behind(node);
        const [one, two] = [light(over(rgba(style.color), back)), light(back)].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const ratio = (one + .05) / (two + .05);
        if (ratio < (large ? 3 : 4.5)) found.push(`${text.data.trim()}: ${ratio.toFixed(2)}`);
    }
    return found;
})()"""

ALL_SEEN = "[...document.querySelectorAll('.tile[data-video=true] video')].every(video => video.readyState >= 2)"

RECORD_STATES = """void (window.seenStates = [document.body.dataset.state],
    new MutationObserver(() => {
        const {state} = document.body.dataset;
        if (seenStates.at(-1) !== state) seenStates.push(state);
    }).observe(document.body, {attributeFilter: ['data-state']}))"""


# --- devices

@pytest.fixture(scope="module")
def browser_with():
    """Browsers by what they offer: each is started when first needed."""
    running = {}

    def named(devices):
        if devices not in running:
            running[devices] = start(devices)
        return running[devices]
    yield named
    for browser in running.values():
        browser.close()


def start(devices):
    if devices == "no camera":
        return Browser(f"{FAKE_DEVICES}=device-count=0")
    without = {"no device": FAKE_DEVICES, "a question": FAKE_CONSENT}[devices]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness_chromium, "FLAGS", tuple(flag for flag in harness_chromium.FLAGS if flag != without))
        return Browser()


def permit(page, home, **settings):
    """What the person answers when the browser asks for a device: camera="granted", microphone="denied"."""
    context = page.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
    for name, setting in settings.items():
        page.context.browser.send("Browser.setPermission", permission={"name": name}, setting=setting,
                                  origin=home.web, browserContextId=context)


@pytest.mark.parametrize("devices, answers, sends, says", [
    ("no camera", {}, {"audio": True, "video": False}, "No camera was found"),
    ("no device", {}, {"audio": False, "video": False}, "No camera or microphone was found"),
    ("a question", {"camera": "denied", "microphone": "denied"}, {"audio": False, "video": False},
     "not allowed to use your camera and microphone"),
    ("a question", {"camera": "denied", "microphone": "granted"}, {"audio": True, "video": False}, "not allowed to use your camera."),
    ("a question", {"camera": "granted", "microphone": "denied"}, {"audio": False, "video": True}, "not allowed to use your microphone."),
], ids=["no camera", "no device", "both refused", "camera refused", "microphone refused"])
def test_one_joins_with_whatever_device_there_is(home, browser_with, request, devices, answers, sends, says):
    page = webrtc.with_small_video(browser_with(devices).new_page())
    permit(page, home, **answers)
    enter(page, home.create_room()["url"], "Ann")
    expect(page, "connected", None, says)
    media = page.evaluate("otterCall.me.media")
    assert {kind: media[kind] for kind in sends} == sends
    assert page.evaluate("otterCall.localStream.getTracks().map(track => track.kind)") == [
        kind for kind, on in sends.items() if on]
    look(page, home, request.node.callspec.id)
    if not sends["video"]:
        page.click("#notice-close")
        page.click("#camera")  # asked again, it says so again
        page.wait_until("!document.getElementById('notice').hidden")
        assert "camera" in page.evaluate("document.getElementById('notice').innerText")
    leave(page)


def test_one_who_listens_only_sees_the_other(home, browser_with, chromium):
    room = home.create_room(max_participants=2)
    listener = entered(browser_with("no device"), room["url"], "Ann")
    speaker = entered(chromium, room["url"], "Ben")
    for page in (listener, speaker):
        webrtc.wait_connected(page)
    webrtc.wait_frames_grow(listener)
    look(listener, home, "listens-only")
    look(speaker, home, "sees-a-listener")
    leave(listener)


# --- why there is no call

def full(home, chromium):
    room = home.create_room(max_participants=2)
    for _ in range(2):
        webrtc.join_without_media(chromium, home, room)
    return room["url"]


def closed(home, _):
    room = home.create_room()
    assert home.rest("DELETE", f"/v1/rooms/{room['id']}").status_code == 204
    return room["url"]


def with_token(home, room, token):
    return f"{home.web}/room/{room}#token={token}"


def expired(home, _):
    room = home.create_room()
    return with_token(home, room["id"], tokens.mint(home, room, ttl=-600))


def not_yet(home, _):
    room = home.create_room()
    return with_token(home, room["id"], tokens.mint(home, room, not_before=3600, ttl=7200))


def forged(home, _):
    return with_token(home, home.create_room()["id"], "tea")


def incomplete(home, _):
    return home.create_room()["url"].split("#")[0]


def of_another_room(home, _):
    return with_token(home, home.create_room()["id"], home.create_room()["token"])


def unknown(home, _):
    return with_token(home, "rm_unknown", tokens.mint(home, "rm_unknown"))


@pytest.mark.parametrize("link, code, says, again", [
    (full, "room_full", "The room is full", "Try again"),
    (closed, "room_closed", "This room is closed", None),
    (expired, "token_expired", "This link has expired", None),
    (not_yet, "not_yet_valid", "This link is not valid yet", "Try again"),
    (forged, "token_invalid", "This link does not work", None),
    (incomplete, "unauthorized", "The link is incomplete", None),
    (of_another_room, "wrong_room", "This link is for another room", None),
    (unknown, "room_not_found", "There is no such room", None),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_page_says_why_there_is_no_call(home, chromium, link, code, says, again):
    page = opened(chromium, link(home, chromium))
    if code != "unauthorized":  # which shows without a question to the server
        expect(page, "lobby", None, "Ready to join?")
        page.click("#join")
    expect(page, "error", code, says)
    assert page.evaluate("document.getElementById('again').checkVisibility()") == (again is not None)
    if again:
        assert page.evaluate("document.getElementById('again').textContent") == again
    assert page.evaluate("document.activeElement.id") == "end-title"
    look(page, home, f"error-{code}")


def test_a_server_that_is_down_is_said_and_tried_again(fresh_home, chromium):
    home = fresh_home
    page = opened(chromium, home.create_room()["url"])
    expect(page, "lobby", None, "Ready to join?")
    home.kill_janus()
    page.click("#join")
    expect(page, "error", "unreachable", "The server cannot be reached")
    look(page, home, "error-unreachable")

    home.up()
    page.click("#again")
    expect(page, "connected", None, "Nobody else is here yet")


# --- in a call, and after it

def test_a_page_before_the_call_and_alone_in_it(home, chromium):
    page = opened(chromium, home.create_room()["url"])
    expect(page, "lobby", None, "Ready to join?")
    look(page, home, "lobby")
    page.click("#join")
    expect(page, "connected", None, "Nobody else is here yet")
    look(page, home, "alone")


def test_a_named_room_is_called_by_its_name_and_a_slow_server_waited_for(home, chromium):
    room = home.create_room(unique_name="Otters-of-the-Fjord")
    page = opened(chromium, with_token(home, room["unique_name"], room["token"]))
    expect(page, "lobby", None, "Join “Otters-of-the-Fjord”")
    look(page, home, "lobby-of-a-named-room")
    delay(page, 4000)
    page.click("#join")
    expect(page, "connecting", None, "Joining…")
    look(page, home, "connecting", sizes=("wide",))
    delay(page, 0)
    expect(page, "connected", None, "Nobody else is here yet")
    home.rest("DELETE", f"/v1/rooms/{room['id']}")


def test_a_lost_connection_is_said_and_comes_back_while_the_media_goes_on(home, chromium):
    room = home.create_room(max_participants=2)
    pages = [entered(chromium, room["url"], name) for name in ("Ann", "Ben")]
    for page in pages:
        webrtc.wait_connected(page)
    ann, own_id = pages[0], pages[0].evaluate("otterCall.me.id")
    ann.evaluate(RECORD_STATES)

    ann.send("Network.setBlockedURLs", urls=["*/v1/connect"])  # the way back is shut; media takes another
    room_page.end_session(home, ann)
    expect(ann, "reconnecting", None, "Reconnecting")
    for page in pages:
        webrtc.wait_frames_grow(page)
    look(ann, home, "reconnecting")

    ann.send("Network.setBlockedURLs", urls=[])
    expect(ann, "connected", None, "Ann (you)")
    assert ann.evaluate("seenStates") == ["connected", "reconnecting", "connected"]
    assert ann.evaluate("otterCall.me.id") == own_id
    for page in pages:
        webrtc.wait_connected(page)
        webrtc.wait_frames_grow(page)
    look(ann, home, "call-of-two")


def test_the_call_comes_back_after_the_death_of_the_server(fresh_home, chromium):
    room = fresh_home.create_room(max_participants=2)
    pages = [entered(chromium, room["url"], name) for name in ("Ann", "Ben")]
    for page in pages:
        webrtc.wait_connected(page)
    fresh_home.kill_janus()
    for page in pages:
        expect(page, "reconnecting", None, "Reconnecting")
    fresh_home.up()
    for page in pages:
        expect(page, "connected", None, "(you)")
    for page in pages:
        webrtc.wait_connected(page)
        webrtc.wait_frames_grow(page)
        assert page.evaluate("document.querySelectorAll('.tile').length") == 2


def test_a_call_taken_over_elsewhere_says_so_and_can_be_taken_back(home, chromium):
    room = home.create_room()
    link = with_token(home, room["id"], tokens.mint(home, room, identity="ann", name="Ann"))
    first = entered(chromium, link, "Ann")
    second = entered(chromium, link, "Ann")
    expect(first, "ended", "replaced", "You are in this call elsewhere")
    look(first, home, "ended-replaced")
    first.click("#again")
    expect(first, "connected", None, "Nobody else is here yet")
    expect(second, "ended", "replaced", "You are in this call elsewhere")


def test_one_who_left_can_join_again(home, chromium):
    room = home.create_room()
    page = entered(chromium, room["url"], "Ann")
    page.click("#leave")
    expect(page, "ended", None, "You have left the call")
    assert page.evaluate("document.getElementById('again').textContent") == "Join again"
    wait_until(lambda: home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 0, what="the seat is free")
    look(page, home, "ended-left")
    page.click("#again")
    expect(page, "connected", None, "Nobody else is here yet")


def test_a_room_that_is_closed_in_the_call_ends_it(home, chromium):
    room = home.create_room()
    page = entered(chromium, room["url"], "Ann")
    assert home.rest("DELETE", f"/v1/rooms/{room['id']}").status_code == 204
    expect(page, "ended", "closed", "The room was closed")
    assert not page.evaluate("document.getElementById('again').checkVisibility()")
    look(page, home, "ended-closed")


def test_four_in_a_call_some_without_a_camera(home, chromium):
    room = home.create_room()
    page = entered(chromium, room["url"], "Ann")
    for name in ("Benedikt Alexander von Hohenstaufen-Weiblingen", "Cleo Otter"):
        webrtc.join_without_media(chromium, home, room, name)
    webrtc.wait_connected(page, 2)
    look(page, home, "call-of-three")
    webrtc.join_without_media(chromium, home, room, "Дан")
    webrtc.wait_connected(page, 3)
    look(page, home, "call-of-four")
    page.click("#mic")
    page.click("#camera")
    page.wait_until("!otterCall.me.media.audio && !otterCall.me.media.video")
    look(page, home, "muted")


# --- steps

def opened(browser, url):
    page = webrtc.with_small_video(browser.new_page())
    page.goto(url)
    return page


def entered(browser, url, name):
    page = webrtc.with_small_video(browser.new_page())
    enter(page, url, name)
    return page


def enter(page, url, name):
    room_page.join(page, url, name)
    expect(page, "connected", None, "(you)")


def leave(page):
    page.context.close()


def expect(page, state, code, says):
    """The page is in a state, for a reason, and says so in words that one can see."""
    page.wait_until(f"document.body.dataset.state === '{state}'", 20)
    assert page.evaluate("document.body.dataset.code ?? null") == code
    page.wait_until(f"document.querySelector('main').innerText.includes({says!r})", what=f"the page says {says!r}")


def delay(page, milliseconds):
    page.send("Network.emulateNetworkConditions", offline=False, latency=milliseconds, downloadThroughput=-1, uploadThroughput=-1)


def look(page, home, name, sizes=tuple(SIZES)):
    """Pictures of the page, and what holds in all of them."""
    for size, scheme in itertools.product(sizes, SCHEMES):
        width, height = SIZES[size]
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=size == "narrow")
        page.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])
        page.wait_until(ALL_SEEN, what="every picture is there")
        assert page.evaluate(COMPLAINTS) == [], (size, scheme)
        assert page.evaluate(CONTRAST) == [], (size, scheme)
        page.screenshot(artifact(f"state-{name}-{size}-{scheme}.png"))
    assert nameless(page) == []
    allowed = {"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in (home.web, home.signaling)}
    assert page.origins() <= allowed
    assert page.policy_violations() == []
    assert page.exceptions == []


def nameless(page):
    """Roles of what a screen reader would come across without a name."""
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    return [node["role"]["value"] for node in nodes if not node["ignored"] and node["role"]["value"] in MUST_HAVE_NAMES
            and node.get("name", {}).get("value") in NAMELESS]
