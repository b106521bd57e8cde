# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts do, and what the room shares, by the SDK: three pages, one of them a host's."""

import pytest

from harness import tokens, webrtc

REMEMBER = """void (window.heard = [], ['shared', 'mute-requested', 'draining'].forEach((name) =>
    otterCall.on(name, (...of) => heard.push([name, ...of.map((each) => each?.id ?? each)]))))"""
REFUSED = "otterCall.%s.then(() => 'done', (error) => error.code)"


def joined(browser, home, room, name, token=None):
    """A page of somebody in the room, without camera and microphone, that remembers what it hears."""
    link = {**room, "url": room["url"].replace(room["token"], token)} if token else room
    page = webrtc.join_without_media(browser, home, link, name)
    page.evaluate(REMEMBER)
    return page


@pytest.fixture
def people(home, chromium):
    """(a host, two guests) and their ids."""
    room = home.create_room()
    pages = [joined(chromium, home, room, "Hanna", tokens.mint(home, room, role="host")),
             joined(chromium, home, room, "Gus"), joined(chromium, home, room, "Gerda")]
    for page in pages:
        page.wait_until("otterCall.participants.length === 2")
    return pages, [page.evaluate("otterCall.me.id") for page in pages], room


def test_a_guest_may_do_none_of_it(people):
    (_, gus, _), (_, _, gerda_id), _ = people
    for wish in (f"eject('{gerda_id}')", "lock(true)", f"askToMute('{gerda_id}', 'mic')", f"promote('{gerda_id}')", "endForAll()"):
        assert gus.evaluate(REFUSED % wish) == "forbidden", wish


def test_a_host_puts_somebody_out_whose_call_ends(people):
    (hanna, gus, gerda), (_, gus_id, _), _ = people
    hanna.evaluate(f"otterCall.eject('{gus_id}')")
    gus.wait_until("otterCall.state === 'ended'")
    assert gus.evaluate("otterCall.reason") == "ejected"
    assert gus.evaluate("[...otterCall.connections.values()].map((pc) => pc.signalingState)") == ["closed", "closed"]
    for page in (hanna, gerda):
        page.wait_until("otterCall.participants.length === 1")


def test_a_locked_room_lets_nobody_in(people, home, chromium):
    (hanna, gus, _), _, room = people
    hanna.evaluate("otterCall.lock(true)")
    gus.wait_until("otterCall.room.locked")
    page = chromium.new_page(f"{home.web}/")
    code = page.evaluate("async (link) => (await import('/sdk/otter.js')).Otter.join(link, {audio: false, video: false}).then(() => 'in', (e) => e.code)",
                         args=[room["url"]])
    assert code == "locked"
    hanna.evaluate("otterCall.lock(false)")
    joined(chromium, home, room, "Ivy")


def test_who_is_asked_to_mute_hears_by_whom_and_nobody_else_does(people):
    (hanna, gus, gerda), (hanna_id, gus_id, _), _ = people
    hanna.evaluate(f"otterCall.askToMute('{gus_id}', 'mic')")
    gus.wait_until("heard.length")
    assert gus.evaluate("heard") == [["mute-requested", "mic", hanna_id]]
    assert gerda.evaluate("heard") == []


def test_who_is_promoted_is_a_host_for_everybody_and_may_do_what_hosts_do(people):
    (hanna, gus, gerda), (hanna_id, gus_id, _), _ = people
    hanna.evaluate(f"otterCall.promote('{gus_id}')")
    gus.wait_until("otterCall.me.role === 'host'")
    gerda.wait_until(f"otterCall.participants.find(({{id}}) => id === '{gus_id}').role === 'host'")
    assert gus.evaluate(REFUSED % f"askToMute('{hanna_id}', 'camera')") == "done"


def test_a_host_ends_the_call_for_all(people):
    pages, _, _ = people
    pages[0].evaluate("otterCall.endForAll()")
    for page in pages:
        page.wait_until("otterCall.state === 'ended'")
        assert page.evaluate("otterCall.reason") == "closed"


def test_what_the_room_shares_is_known_to_all_and_to_who_comes_later(people, home, chromium):
    (hanna, gus, gerda), (hanna_id, gus_id, _), room = people
    hanna.evaluate("otterCall.setShared('topic', {now: 'Otters'})")
    gus.evaluate("otterCall.setShared('vote', 7)")
    hanna.wait_until("otterCall.shared.get('vote') === 7")
    assert hanna.evaluate("heard") == [["shared", "topic", {"now": "Otters"}, hanna_id], ["shared", "vote", 7, gus_id]]
    late = joined(chromium, home, room, "Ivy")
    late.wait_until("otterCall.shared.size === 2")
    assert late.evaluate("[...otterCall.shared]") == [["topic", {"now": "Otters"}], ["vote", 7]]
    gus.evaluate("otterCall.setShared('vote', null)")
    for page in (hanna, gus, gerda, late):
        page.wait_until("otterCall.shared.size === 1")


def test_what_does_not_fit_is_refused(people):
    (hanna, _, _), _, _ = people
    assert hanna.evaluate(REFUSED % "setShared('long', 'x'.repeat(5000))") == "too_large"
    assert hanna.evaluate("otterCall.shared.size") == 0


def test_draining_is_told_and_the_call_goes_on(fresh_home, chromium):
    page = joined(chromium, fresh_home, fresh_home.create_room(), "Ann")
    assert fresh_home.rest("POST", "/v1/drain", {"timeout": 20}).status_code == 200
    page.wait_until("heard.length")
    assert page.evaluate("[heard, otterCall.state]") == [[["draining", 20000]], "connected"]
