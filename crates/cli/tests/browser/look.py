"""Opens a page in a headless browser, reads it by keyboard and by mouse, and prints what was seen as JSON.

usage: look.py PAGE light|dark [PICTURE]

Speaks the WebDriver protocol (https://www.w3.org/TR/webdriver2/) with chromedriver, by plain HTTP to a port
of this machine. The browser has an empty profile, and needs no network.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

# For switched-off parts of the browser that talk to their maker.
ARGUMENTS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1200,700""".split()
ARROWS = {"right": "\ue014", "down": "\ue015"}


class Driver:
    """A session with a browser."""

    def __init__(self, port, arguments):
        self.address = f"http://127.0.0.1:{port}"
        options = {"args": arguments}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self.post("/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{session['sessionId']}"

    def post(self, path, body):
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=180) as answer:
            return json.load(answer)["value"]

    def do(self, path, **body):
        return self.post(self.session + path, body)

    def run(self, script, *arguments):
        return self.do("/execute/sync", script=script, args=list(arguments))

    def command(self, name, **parameters):
        return self.do("/goog/cdp/execute", cmd=name, params=parameters)

    def press(self, *keys):
        """Types keys into what has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.do("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def point(self, x, y):
        """Moves the mouse."""
        move = {"type": "pointerMove", "duration": 0, "x": x, "y": y}
        self.do("/actions", actions=[{"type": "pointer", "id": "mouse", "actions": [move]}])

    def close(self):
        request = urllib.request.Request(self.address + self.session, method="DELETE")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)


TIP = """const tip = document.getElementById("tip");
    return tip.hidden ? null : {text: tip.innerText, x: Number(tip.dataset.x), y: Number(tip.dataset.y)};"""
# Notes every text that the page draws.
RECORD = """const draw = CanvasRenderingContext2D.prototype.fillText;
    window.drawnTexts = new Set();
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        window.drawnTexts.add(text);
        draw.call(this, text, ...rest);
    };"""
PICTURE = "return document.getElementById('canvas').toDataURL()"
# Two frames later, what was asked to be drawn has been drawn.
DRAWN = """const done = arguments[arguments.length - 1];
    requestAnimationFrame(() => requestAnimationFrame(() => done(null)));"""


def drawn(driver):
    driver.do("/execute/async", script=DRAWN, args=[])


def look(driver, page, scheme, picture):
    """What the page shows, to the keyboard and to the mouse."""
    driver.command("Emulation.setEmulatedMedia",
                   features=[{"name": "prefers-color-scheme", "value": scheme}])
    driver.command("Page.addScriptToEvaluateOnNewDocument", source=RECORD)
    driver.do("/url", url="file://" + os.path.abspath(page))
    drawn(driver)
    seen = {"title": driver.run("return document.title"),
            "heading": driver.run("return document.getElementById('heading').textContent"),
            "root": driver.run("return document.getElementById('root').textContent"),
            "texts": driver.run("return [...window.drawnTexts]"),
            "summary": driver.run("return document.getElementById('summary').textContent"),
            "legend": driver.run("return document.getElementById('legend').innerText.split('\\n')"),
            "background": driver.run("return getComputedStyle(document.body).backgroundColor"),
            "scripts": driver.run("return document.scripts.length")}
    driver.run("document.getElementById('canvas').focus()")
    driver.press(ARROWS["right"])
    seen["first"] = driver.run(TIP)
    seen["said"] = driver.run("return document.getElementById('said').textContent")
    driver.press(ARROWS["down"])
    second = seen["second"] = driver.run(TIP)
    drawn(driver)
    before = driver.run(PICTURE)
    driver.press("+", "+")
    drawn(driver)
    seen["zoomed"], seen["moved"] = driver.run(TIP), driver.run(PICTURE) != before
    driver.press("0")
    driver.run("document.getElementById('canvas').blur()")
    seen["left"] = driver.run(TIP)
    driver.point(second["x"], second["y"])
    drawn(driver)
    seen["pointed"] = driver.run(TIP)
    drawn(driver)
    if picture:
        with open(picture, "wb") as file:
            file.write(base64.b64decode(driver.command("Page.captureScreenshot")["data"]))
    seen["console"] = [entry["message"] for entry in driver.do("/se/log", type="browser")]
    messages = [json.loads(entry["message"])["message"] for entry in driver.do("/se/log", type="performance")]
    asked = [it["params"] for it in messages if it["method"] == "Network.requestWillBeSent"]
    # The browser's own first page asks for parts of the browser.
    of_page = [it["request"]["url"] for it in asked if it["documentURL"].startswith("file:")]
    seen["requests"] = [url for url in of_page if not url.startswith("data:")]
    return seen


def main(page, scheme, picture=None):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        server = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            ports = (re.search(r"started successfully on port (\d+)", line) for line in server.stdout)
            port = next(found.group(1) for found in ports if found)
            driver = Driver(port, [*ARGUMENTS, f"--user-data-dir={profile}"])
            try:
                print(json.dumps(look(driver, page, scheme, picture)))
            finally:
                driver.close()
        finally:
            server.terminate()
            server.wait()


main(*sys.argv[1:])
