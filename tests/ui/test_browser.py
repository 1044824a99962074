"""A real browser shows the live page: it follows the state, shows errors, and meets no refusal of the policy."""

from __future__ import annotations

import shutil
import signal
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
LIMIT_S = 60


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium without a window, which notes the messages of its console."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if None in programs.values():
        pytest.skip(f"{' and '.join(name for name, path in programs.items() if path is None)} not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs["chromedriver"]))
    yield driver
    driver.quit()


def until(met):
    """Wait until `met()` is true, and give what it gave."""
    last = time.monotonic() + LIMIT_S
    while not (found := met()):
        assert time.monotonic() < last, "waited in vain"
        time.sleep(0.05)
    return found


def text_of(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0])?.textContent ?? ''", name)


def test_the_page_follows_the_state_and_shows_errors(browser, done_desk, live_page):
    page = live_page(done_desk, "--poll", "0.5s")
    browser.get(page.address)
    assert browser.current_url == f"http://127.0.0.1:{page.port}/"
    assert until(lambda: browser.title) == "survey: 3 of 3 done"
    assert browser.execute_script("return document.cookie") == ""
    browser.execute_script("window.isTheSamePage = true")
    done_desk("mark", "rerun", "tile/2", "--yes")
    until(lambda: browser.title == "survey: 2 of 3 done")
    manifest = done_desk.folder / "m.yaml"
    text = manifest.read_text()
    manifest.write_text("version: [")
    assert "m.yaml:1:" in until(lambda: text_of(browser, "trouble"))
    assert browser.title == "survey: 2 of 3 done"
    manifest.write_text(text)
    until(lambda: text_of(browser, "trouble") == "")
    assert browser.execute_script("return window.isTheSamePage")
    assert browser.get_log("browser") == []
    assert page.stop(signal.SIGTERM) == 0
    assert "no response" in until(lambda: text_of(browser, "trouble"))
    assert browser.title == "survey: 2 of 3 done"


def click(browser, text):
    """Click the button that begins with this text."""
    browser.execute_script(
        "[...document.querySelectorAll('button')].find(one => one.innerText.startsWith(arguments[0])).click()", text
    )


def open_first(browser):
    """Open the panel of the first replica by keyboard."""
    browser.find_element("id", "grid").send_keys("\ue011", "\ue007")  # Home, Enter
    assert browser.execute_script("return document.activeElement.innerText") == "Close"


def is_hidden(browser):
    return browser.execute_script("return document.getElementById('panel').hidden")


def test_an_open_panel_shows_new_data_and_keeps_the_focus(browser, done_desk, live_page):
    page = live_page(done_desk, "--poll", "0.5s")
    browser.get(page.address)
    until(lambda: browser.title == "survey: 3 of 3 done")
    open_first(browser)
    assert "Print the log" in text_of(browser, "panel")
    browser.execute_script("document.querySelector('#panel pre, #panel code').tabIndex = 0")
    browser.execute_script("[...document.querySelectorAll('#panel button')][1].focus()")
    done_desk("mark", "rerun", "tile/1", "--yes")
    until(lambda: browser.title == "survey: 2 of 3 done")
    assert "done" not in text_of(browser, "panel").partition("Attempts")[0]
    assert browser.execute_script("return document.activeElement.innerText") == "Copy"
    assert not is_hidden(browser)
    # Without a change of the replica, the panel is the same: a text in it stays selected.
    browser.execute_script("getSelection().selectAllChildren(document.querySelector('#panel h2'))")
    done_desk("mark", "rerun", "tile/2", "--yes")
    until(lambda: browser.title == "survey: 1 of 3 done")
    assert browser.execute_script("return getSelection().toString()") == "tile-1"


@pytest.mark.parametrize("control", ["#show-done", "#next button", "#filter", "#grid"])
def test_new_data_leaves_the_focus_where_it_is(browser, done_desk, live_page, control):
    done_desk.write({"name": "tile", "replicas": 3, "cmd": "true"}, {"name": "merge", "cmd": "true"})
    page = live_page(done_desk, "--poll", "0.5s")
    browser.get(page.address)
    until(lambda: browser.title == "survey: 3 of 4 done")
    browser.execute_script("document.querySelector(arguments[0]).focus()", control)
    done_desk("mark", "rerun", "tile/1", "--yes")
    until(lambda: browser.title == "survey: 2 of 4 done")
    assert browser.execute_script("return document.activeElement.matches(arguments[0])", control)


def test_the_chosen_project_stays_and_its_panel_closes_with_it(browser, desk, live_page):
    for project in ("a", "b"):
        desk.write({"name": f"tile-{project}", "replicas": 2, "cmd": "true"}, project=project, name=f"{project}.yaml")
    page = live_page(desk, "--poll", "0.5s")
    browser.get(page.address)
    until(lambda: browser.title == "a: 0 of 2 done; b: 0 of 2 done")
    open_first(browser)
    click(browser, "b (")
    assert is_hidden(browser)
    assert browser.execute_script("return document.activeElement.innerText") == "b (0 of 2)"
    click(browser, "a (")
    desk("mark", "hold", "tile-a/1", "--project", "a", "--yes")
    until(lambda: "1 other" in text_of(browser, "top"))
    assert is_hidden(browser)
    click(browser, "b (")
    desk.write({"name": "first", "cmd": "true"}, project="aa", name="aa.yaml")
    until(lambda: "aa: 0 of 1 done" in browser.title)
    assert browser.execute_script("return document.querySelector('h1').innerText") == "b"
    open_first(browser)
    (desk.folder / "b.yaml").unlink()
    until(lambda: "b: " not in browser.title)
    assert is_hidden(browser)


class Site(BaseHTTPRequestHandler):
    """Another site, with a link."""

    link = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<a id="link" href="{self.link}">page</a>'.encode())

    def log_message(self, *_):
        pass


def test_a_link_on_another_site_opens_the_page(browser, server_less, live_page):
    page = live_page(server_less)
    Site.link = page.address
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://localhost:{server.server_address[1]}/")
        browser.find_element("id", "link").click()
        until(lambda: browser.title == "survey: 0 of 3 done")
        assert browser.current_url == f"http://127.0.0.1:{page.port}/"
        server.shutdown()


def test_an_unchanged_page_asks_with_its_tag(browser, done_desk, live_page):
    page = live_page(done_desk, "--poll", "0.5s")
    browser.get(page.address)

    def responses():
        return browser.execute_script(
            "return performance.getEntriesByType('resource')"
            ".map((one) => [new URL(one.name).pathname, one.responseStatus])"
        )

    found = until(lambda: len(responses()) > 2 and responses())
    assert {name for name, _ in found} == {"/data.json"}
    assert [status for _, status in found][:3] == [200, 304, 304]
