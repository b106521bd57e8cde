# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a room, used as a person does: the link is opened, a name is there, Join is pressed."""

from urllib.parse import quote


def named(url, name):
    """The link of a room, with the name that its page is to begin with."""
    return url.replace("#", f"?name={quote(name)}#", 1) if name else url


def join(page, url, name=""):
    """Open the link in this page and press the button. What comes of it is the caller's to wait for."""
    page.goto(named(url, name))
    page.click("#join")
    return page


def end_session(home, page):
    """End the page's session from the side of Janus."""
    (session,) = page.evaluate("Object.keys(Janus.sessions)")
    home.admin({"janus": "destroy_session"}, session=int(session))
