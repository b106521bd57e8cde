# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Chromium with a fake camera.

    with Browser() as browser:
        ann, ben = browser.new_context(), browser.new_context()   # two isolated people
        page = ann.new_page("http://127.0.0.1:8080/")
        page.wait_until("document.body.dataset.state === 'connected'", timeout=15)

A Browser is a process, a Context a person (own cookies and storage), a Page a tab. A page
collects from its first request on what it asked for, was answered, logged and threw.
"""

import base64
import itertools
import json
import os
import shutil
import tempfile
import threading
from urllib.parse import urlsplit

from .cdp import CdpError, CdpProcess
from .wait import wait_until

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,800",
    "--no-first-run", "--no-default-browser-check", "--disable-breakpad", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    # A tab in the background must not get slower timers than the person in front of it.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    # A machine whose only interface is lo still makes calls.
    "--allow-loopback-in-peer-connection",
)
# .local names are resolved by multicast, which a test machine may not have.
DISABLED_FEATURES = ("WebRtcHideLocalIpsWithMdns", "MediaRouter", "OptimizationHints", "Translate")


class JavaScriptError(Exception):
    """An exception of the page, with its text and stack."""


class Browser:
    """A Chromium process with a fresh profile. Flags given by the caller come last and win."""

    def __init__(self, *flags, prefix=(), binary=None, env=None):
        """`prefix` goes before the command, as in ("ip", "netns", "exec", "ann")."""
        binary = binary or os.environ.get("OTTER_TEST_CHROMIUM", "chromium")
        if shutil.which(binary) is None:
            raise FileNotFoundError(f"no {binary!r} here: install chromium, or set OTTER_TEST_CHROMIUM")
        self.profile = tempfile.mkdtemp(prefix="otter-chromium-")
        self.contexts = []
        argv = [*prefix, binary, *FLAGS, f"--disable-features={','.join(DISABLED_FEATURES)}",
                f"--user-data-dir={self.profile}", "--remote-debugging-pipe", *flags, "about:blank"]
        try:
            self._process = CdpProcess(argv, os.path.join(self.profile, "stderr.log"),
                                       {**os.environ, "HOME": self.profile, **(env or {})})
        except OSError:
            shutil.rmtree(self.profile, ignore_errors=True)
            raise
        try:
            self.version = self._process.send("Browser.getVersion")["product"]
        except CdpError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self._process.pid

    @property
    def alive(self):
        return self._process.alive

    @property
    def pages(self):
        return [page for context in self.contexts for page in context.pages]

    def send(self, method, **params):
        """A CDP command to the browser itself."""
        return self._process.send(method, params)

    def new_context(self):
        """A person of its own: shares nothing with the others of this browser."""
        made = self._process.send("Target.createBrowserContext", {"disposeOnDetach": True})
        context = Context(self, self._process, made["browserContextId"])
        self.contexts.append(context)
        return context

    def new_page(self, url=None):
        """A page of a new person."""
        return self.new_context().new_page(url)

    def stderr_tail(self):
        return self._process.stderr_tail()

    def close(self):
        self._process.end()
        shutil.rmtree(self.profile, ignore_errors=True)


class Context:
    """A person: a browser context with its pages. Made by Browser.new_context()."""

    def __init__(self, browser, process, context_id):
        self.browser = browser
        self.pages = []
        self._process = process
        self._id = context_id

    def new_page(self, url=None):
        target = self._process.send("Target.createTarget", {"url": "about:blank", "browserContextId": self._id})
        page = Page(self, self._process, target["targetId"])
        self.pages.append(page)
        if url:
            page.goto(url)
        return page

    def close(self):
        """Close all pages, without asking them, and forget the person's storage."""
        for page in self.pages[:]:
            page.detach()
        if self in self.browser.contexts:
            self.browser.contexts.remove(self)
            if self.browser.alive:
                self._process.send("Target.disposeBrowserContext", {"browserContextId": self._id})


class Page:
    """A tab. Lists grow on the reader's thread; reading a copy of them is safe at any time.

    console:    texts, "error: …" for what was thrown
    exceptions: texts of uncaught exceptions alone
    requests:   dicts {url, method, type, request_id}; WebSockets have the type "WebSocket"
    responses:  dicts {url, status, headers (lower-case names), type, request_id}
    """

    def __init__(self, context, process, target):
        self.context = context
        self.console = []
        self.exceptions = []
        self.requests = []
        self.responses = []
        self.dialogs = []
        self.crashed = False
        self._process = process
        self._target = target
        self._loaded = set()  # loader ids whose load event has come
        self._news = threading.Condition()  # guards _loaded
        self._session = process.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._workers = []
        process.listen(self._session, self._on_event)
        for domain in ("Page", "Runtime", "Network", "Log", "Inspector"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)
        # Workers load and ask for themselves: stop each at its start until it is listened to.
        self.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)

    def send(self, method, timeout=30.0, **params):
        """A CDP command to this page."""
        if self.crashed:
            raise CdpError(f"{method}: the page has crashed\n{self.report()}")
        return self._process.send(method, params, self._session, timeout)

    def goto(self, url, timeout=30.0):
        """Navigate and wait for the load event. A change of the fragment alone loads nothing."""
        went = self.send("Page.navigate", url=url, timeout=timeout)
        if "errorText" in went:
            raise CdpError(f"goto {url}: {went['errorText']}")
        self._wait_loaded(went.get("loaderId"), url, timeout)

    def reload(self, timeout=30.0):
        before = set(self._loaded)
        self.send("Page.reload")
        with self._news:
            if not self._news.wait_for(lambda: self._loaded - before, timeout):
                raise AssertionError(f"the page has reloaded: not within {timeout:g} s")

    def evaluate(self, js, await_promise=True, args=None, timeout=30.0):
        """The value of an expression, as JSON can carry it; a promise is awaited.

        With `args`, js is a function and is called with them. Raises JavaScriptError.
        """
        if args is not None:
            js = f"({js})({', '.join(json.dumps(arg) for arg in args)})"
        answer = self.send("Runtime.evaluate", expression=js, awaitPromise=await_promise,
                           returnByValue=True, userGesture=True, timeout=timeout)
        if "exceptionDetails" in answer:
            raise JavaScriptError(_exception_text(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_until(self, js, timeout=10.0, what=None):
        """The first true value of a JavaScript expression. What it throws counts as "not yet"."""
        try:
            return wait_until(lambda: self.evaluate(js, timeout=timeout), timeout, what or f"in the page: {js}",
                              ignoring=(JavaScriptError, CdpError))
        except AssertionError as err:
            raise AssertionError(f"{err}\n{self.report()}") from None

    def click(self, selector, timeout=10.0):
        """A real click into the middle of the first match, once it is there and enabled."""
        box = self.wait_until(f"""(() => {{
            const node = document.querySelector({json.dumps(selector)});
            if (!node || node.disabled) return null;
            node.scrollIntoView({{block: 'center', behavior: 'instant'}});
            const r = node.getBoundingClientRect();
            return r.width && r.height ? {{x: r.x + r.width / 2, y: r.y + r.height / 2}} : null;
        }})()""", timeout, f"{selector} can be clicked")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **box)

    def resize(self, width, height):
        """Give the page another size than the window's; a small one leaves the machine to others."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path):
        """Write what the page looks like as PNG; makes the folder."""
        data = base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def origins(self):
        """scheme://host:port of everything that the page asked for over a network."""
        urls = (urlsplit(request["url"]) for request in list(self.requests))
        return {f"{url.scheme}://{url.netloc}" for url in urls if url.netloc and url.scheme != "blob"}

    def policy_violations(self):
        """What the Content Security Policy stopped: such a request is never made, so origins() lacks it."""
        return [line for line in list(self.console) if "Content Security Policy" in line]

    def document(self):
        """The response that carried the page itself: the newest of type Document."""
        documents = [answer for answer in list(self.responses) if answer["type"] == "Document"]
        assert documents, f"no document was loaded\n{self.report()}"
        return documents[-1]

    def body(self, response):
        """The text of a response in self.responses, as long as the browser keeps it."""
        answer = self.send("Network.getResponseBody", requestId=response["request_id"])
        return base64.b64decode(answer["body"]).decode() if answer["base64Encoded"] else answer["body"]

    def report(self):
        """What this page did, for a person who reads why a test failed. Without fragments: they hold tokens."""
        requests = [f"{one['method']} {one['url'].split('#')[0]}" for one in list(self.requests)]
        return "\n".join(["console:", *_told_once(list(self.console))[-80:],
                          "requests:", *_told_once(requests)[-40:]])

    def close(self):
        """Close the tab as its user does: the page hears pagehide."""
        if self._detachable():
            self._process.send("Target.closeTarget", {"targetId": self._target})
            wait_until(lambda: self._target not in self._targets(), 10, "the tab closes")
        self.detach()

    def detach(self):
        """Listen no more; the tab itself stays until its context or browser goes."""
        for session in (self._session, *self._workers):
            self._process.forget(session)
        if self in self.context.pages:
            self.context.pages.remove(self)

    def _detachable(self):
        return self._process.alive and self in self.context.pages

    def _targets(self):
        return {info["targetId"] for info in self._process.send("Target.getTargets")["targetInfos"]}

    def _wait_loaded(self, loader, url, timeout):
        if loader is None:
            return
        with self._news:
            if not self._news.wait_for(lambda: loader in self._loaded, timeout):
                raise AssertionError(f"{url} loads: not within {timeout:g} s\n{self.report()}")

    # Events; all on the reader's thread, which must not wait for an answer.

    def _on_event(self, method, params):
        handler = self._EVENTS.get(method)
        if handler:
            handler(self, params)

    def _on_lifecycle(self, params):
        if params["name"] == "load":
            with self._news:
                self._loaded.add(params["loaderId"])
                self._news.notify_all()

    def _on_console(self, params):
        text = " ".join(_argument_text(arg) for arg in params["args"])
        self.console.append(f"{params['type']}: {text}")

    def _on_exception(self, params):
        text = _exception_text(params["exceptionDetails"])
        self.exceptions.append(text)
        self.console.append(f"error: {text}")

    def _on_log(self, params):
        entry = params["entry"]
        self.console.append(f"{entry['level']} ({entry['source']}): {entry['text']} {entry.get('url', '')}".rstrip())

    def _on_request(self, params):
        request = params["request"]
        url = request["url"] + request.get("urlFragment", "")
        self.requests.append({"url": url, "method": request["method"], "type": params.get("type"),
                              "request_id": params["requestId"]})

    def _on_websocket(self, params):
        self.requests.append({"url": params["url"], "method": "GET", "type": "WebSocket",
                              "request_id": params["requestId"]})

    def _on_response(self, params):
        response = params["response"]
        headers = {name.lower(): value for name, value in response["headers"].items()}
        self.responses.append({"url": response["url"], "status": response["status"], "headers": headers,
                               "type": params.get("type"), "request_id": params["requestId"]})

    def _on_dialog(self, params):
        self.dialogs.append(params["message"])
        self._process.post("Page.handleJavaScriptDialog", {"accept": True}, self._session)

    def _on_crash(self, _params):
        self.crashed = True
        self.console.append("error: the page has crashed")

    def _on_worker(self, params):
        session = params["sessionId"]
        self._workers.append(session)
        self._process.listen(session, self._on_event)
        for command in ("Network.enable", "Runtime.enable", "Runtime.runIfWaitingForDebugger"):
            self._process.post(command, session=session)

    _EVENTS = {
        "Page.lifecycleEvent": _on_lifecycle,
        "Page.javascriptDialogOpening": _on_dialog,
        "Runtime.consoleAPICalled": _on_console,
        "Runtime.exceptionThrown": _on_exception,
        "Log.entryAdded": _on_log,
        "Network.requestWillBeSent": _on_request,
        "Network.webSocketCreated": _on_websocket,
        "Network.responseReceived": _on_response,
        "Inspector.targetCrashed": _on_crash,
        "Target.attachedToTarget": _on_worker,
    }


def _told_once(lines):
    """Indented, with a number in the place of repetitions."""
    counted = ((line, len(list(same))) for line, same in itertools.groupby(lines))
    return [f"  {line} ({count} times)" if count > 1 else f"  {line}" for line, count in counted]


def _argument_text(argument):
    if "value" in argument:
        value = argument["value"]
        return value if isinstance(value, str) else json.dumps(value)
    preview = argument.get("preview")
    if preview and argument.get("subtype") != "error":
        return "{" + ", ".join(f"{p['name']}: {p.get('value')}" for p in preview["properties"]) + "}"
    return argument.get("description") or argument.get("unserializableValue") or argument["type"]


def _exception_text(details):
    thrown = details.get("exception", {})
    text = thrown.get("description") or (json.dumps(thrown["value"]) if "value" in thrown else "")
    where = f" ({details['url']}:{details['lineNumber'] + 1})" if details.get("url") else ""
    return f"{details['text']} {text}{where}".strip()
