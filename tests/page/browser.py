"""A real browser for the tests of the page."""

from __future__ import annotations

import base64
import json
import shutil

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync disable-dev-shm-usage force-device-scale-factor=1"
)
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"


class Browser:
    """A browser that reports each request and each message of a page. Its profile is in `folder`."""

    def __init__(self, folder):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for option in [*OPTIONS.split(), f"user-data-dir={folder}"]:
            options.add_argument(f"--{option}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def command(self, name, **given):
        """Send a command of the protocol of the browser."""
        return self.driver.execute_cdp_cmd(name, given)

    def script(self, text, *given):
        """The result of a script in the page."""
        return self.driver.execute_script(text, *given)

    def open(self, path, width=1440, scheme="light"):
        """Open a file."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.requests(), self.messages()
        self.driver.get(path.as_uri())

    def requests(self):
        """The addresses that were requested since the last time, without files and data."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith(("file:", "data:"))]

    def messages(self):
        """What the console has printed since the last time."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def keys(self, *keys):
        """Press keys, one after the other."""
        actions = ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def focus(self, name):
        """Move the focus to the element with this ID."""
        self.script("document.getElementById(arguments[0]).focus()", name)

    def focused(self):
        """The ID of the element that has the focus."""
        return self.script("return document.activeElement.id")

    def text(self, name):
        """The visible text of the element with this ID."""
        return self.script("return document.getElementById(arguments[0]).innerText", name)

    def picture(self, path):
        """Write a picture of the whole page."""
        size = self.script("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
        taken = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(taken["data"]))
