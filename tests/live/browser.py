# SPDX-License-Identifier: MIT
"""A real browser without a window: Chromium, driven over its DevTools pipe (no port, no library).

    with Browser(folder) as page:
        page.open(path)
        page.key("2"); page.click("#play"); page.value("document.title")

Whatever the page does that it should not is collected: exceptions, console errors, dialogs, requests to anywhere but its file.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

KEYS = {" ": ("Space", 32), "Enter": ("Enter", 13), "Escape": ("Escape", 27), "ArrowLeft": ("ArrowLeft", 37),
        "ArrowRight": ("ArrowRight", 39), "Home": ("Home", 36), "End": ("End", 35)}


class Browser:
    def __init__(self, folder):
        self.folder, self.number, self.unread, self.wrong = folder, 0, b"", []

    def __enter__(self):
        theirs_in, self.to = os.pipe()
        self.back, theirs_out = os.pipe()

        def descriptors():  # 3 and 4 are what --remote-debugging-pipe reads and writes
            for number, fd in (3, high_in), (4, high_out):
                os.dup2(fd, number)

        # Away from 3 and 4 first, which may be in use here.
        high_in, high_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for fd in (theirs_in, theirs_out))
        self.words = open(os.path.join(self.folder, "browser.words"), "w+b")
        self.process = subprocess.Popen(
            [shutil.which("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe", "--window-size=1400,900",
             "--user-data-dir=" + os.path.join(self.folder, "browser"), "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL, stdout=self.words, stderr=self.words,
            start_new_session=True)
        for fd in theirs_in, theirs_out, high_in, high_out:
            os.close(fd)
        self.session = None
        try:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in "Page", "Runtime", "Network", "Log":
                self.ask(domain + ".enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.ask("Browser.close")
        except Exception:
            self.process.kill()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for fd in self.to, self.back:
            os.close(fd)
        self.words.close()

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        return self.read(lambda answer: answer.get("id") == self.number)

    def read(self, wanted, seconds=60):
        """Messages up to the wanted one."""
        deadline = time.monotonic() + seconds
        while True:
            while b"\0" in self.unread:
                line, self.unread = self.unread.split(b"\0", 1)
                message = json.loads(line)
                self.watch(message)
                if wanted(message):
                    if "error" in message:
                        raise RuntimeError(str(message["error"]))
                    return message.get("result", message)
            if not select.select([self.back], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.back, 1 << 20)
            if not more:
                self.words.seek(0)
                raise RuntimeError("the browser has ended: " + self.words.read()[-600:].decode("utf-8", "replace"))
            self.unread += more

    def watch(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.wrong.append("exception: " + json.dumps(params["exceptionDetails"])[:600])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.wrong.append("log: " + params["entry"]["text"][:300])
        elif method == "Page.javascriptDialogOpening":
            self.wrong.append("dialog: " + params["message"])
        elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "about:")):
            self.wrong.append("request: " + params["request"]["url"][:300])

    def open(self, path, fragment=""):
        self.ask("Page.navigate", url="about:blank")  # another fragment alone would not load it again
        self.ask("Page.navigate", url="file://" + str(path) + fragment)
        deadline = time.monotonic() + 60
        while self.value("document.readyState + location.protocol") != "completefile:":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} does not load")
            time.sleep(0.02)
        self.frame()

    def developer_tools(self):
        """Opens a page of the browser's own developer tools, which come with it: there its parts can be imported."""
        self.ask("Page.navigate", url="devtools://devtools/bundled/devtools_app.html")
        deadline = time.monotonic() + 60
        while self.value("document.readyState + location.protocol") != "completedevtools:":
            if time.monotonic() > deadline:
                raise TimeoutError("the developer tools do not load")
            time.sleep(0.05)

    def value(self, expression):
        """Of a JavaScript expression; of a promise, what it gives."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:800])
        return answer["result"].get("value")

    def frame(self):
        """Waits until what was asked for is painted."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def key(self, key, shift=False):
        code, number = KEYS.get(key, ("Key" + key.upper() if key.isalpha() else "", ord(key[0])))
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)
        self.frame()

    def type(self, words):
        self.ask("Input.insertText", text=words)
        self.frame()

    def place(self, selector):
        """The middle of the first element that is so, scrolled into sight."""
        box = self.value(f"""(() => {{ const e = document.querySelector({json.dumps(selector)}); if (!e) return null;
            e.scrollIntoView({{block: 'center', inline: 'center'}}); const b = e.getBoundingClientRect();
            return [b.x + b.width / 2, b.y + b.height / 2]; }})()""")
        if box is None:
            raise AssertionError("there is no " + selector)
        self.frame()
        return {"x": box[0], "y": box[1]}

    def hover(self, selector):
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", **self.place(selector))
        self.frame()

    def click(self, selector):
        at = self.place(selector)
        for kind in "mouseMoved", "mousePressed", "mouseReleased":
            self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
        self.frame()

    def text(self, selector):
        return self.value(f"document.querySelector({json.dumps(selector)}).innerText")

    def shot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
