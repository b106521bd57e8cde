# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: one fixture is one real thing.

home            an Otter that all tests share: leave its keys and settings as they are
fresh_home      an Otter of the test's own
chromium        a browser: each chromium.new_page() is a new person
chromium_pair   two browsers, so that two people share not even a process
four_chromiums  four of them

When a test fails, the console of its pages, their pictures and the log of its Otter are shown.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.artifacts import artifact  # noqa: E402
from harness.cdp import CdpError  # noqa: E402
from harness.chromium import Browser  # noqa: E402
from harness.otter_home import OtterHome  # noqa: E402

REPORTERS = pytest.StashKey()

# All tests come from one address, and many show a wrong credential: test_limits.py has the real limit.
MANY_FAILURES = {"limits": {"login_failures": 1_000_000}}


def pytest_addoption(parser):
    parser.addoption("--deep", action="store_true", help="run the tests marked deep too, which take long")


def pytest_collection_modifyitems(config, items):
    """A deep test that does not run is a skip: counted and said, also by xdist and in the XML."""
    if not config.getoption("--deep"):
        for item in items:
            if item.get_closest_marker("deep"):
                item.add_marker(pytest.mark.skip(reason="deep: --deep runs it"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Let the fixtures of a failed test tell what they saw, while they are still alive."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for title, tell in item.stash.get(REPORTERS, {}).items():
            report.sections.append((title, tell()))


def tell_on_failure(request, title, tell):
    request.node.stash.setdefault(REPORTERS, {})[title] = tell


@pytest.fixture(scope="session")
def shared_home():
    with OtterHome(settings=MANY_FAILURES) as running:
        yield running


@pytest.fixture
def home(shared_home, request):
    tell_on_failure(request, "log of the shared Otter", shared_home.log_tail)
    yield shared_home
    shared_home.assert_alive()
    shared_home.check_logs()


@pytest.fixture
def fresh_home(request):
    with OtterHome() as running:
        tell_on_failure(request, "log of the test's own Otter", running.log_tail)
        yield running


@pytest.fixture(scope="session")
def browsers():
    """The browser processes of this run: started when first needed, replaced when they died."""
    running = []

    def nth(number):
        while len(running) <= number:
            running.append(Browser())
        if not running[number].alive:
            running[number].close()
            running[number] = Browser()
        return running[number]

    yield nth
    for browser in running:
        browser.close()


@pytest.fixture
def chromium(browsers, request):
    yield from lend(request, browsers(0))


@pytest.fixture
def chromium_pair(browsers, request):
    yield from lend(request, browsers(0), browsers(1))


@pytest.fixture
def four_chromiums(browsers, request):
    yield from lend(request, *map(browsers, range(4)))


def lend(request, *lent):
    """Give browsers to a test; afterwards all the people in them are gone."""
    tell_on_failure(request, "pages", lambda: tell_pages(request.node.name, lent))
    yield lent[0] if len(lent) == 1 else lent
    for browser in lent:
        for context in browser.contexts[:]:
            context.close()


def tell_pages(test, lent):
    told = []
    for number, page in enumerate(page for browser in lent for page in browser.pages):
        told.append(f"page {number}\n{page.report()}")
        try:
            told.append("picture: " + page.screenshot(artifact(f"failed-{test}-{number}.png")))
        except CdpError as err:
            told.append(f"no picture: {err}")
    return "\n".join(told)
