"""The page in a real browser: from a file, without a network, by keyboard, with texts of others that stay texts."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time

import pytest
from surveys import data_of, survey_of_retries

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.display.page import LogTail
from skaha_apply.model.progress.summary import QueuePart
from skaha_apply.render.page.page import page_html
from skaha_apply.render.page.words import CLASSES

pytest.importorskip("selenium", reason="selenium is not installed")
from browser import CHROMIUM, DRIVER, ENTER, ESCAPE, TAB, Browser

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not on PATH"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


@pytest.fixture(scope="module")
def page(tiles, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "survey.html"
    file.write_text(page_html(data_of(tiles)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def retries(tmp_path_factory):
    """A page of a survey without a final failure, with replicas that failed and run again."""
    file = tmp_path_factory.mktemp("retries") / "survey.html"
    file.write_text(page_html(data_of(survey_of_retries())), encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_fits_each_screen_and_asks_for_nothing(browser, page, tmp_path, width, scheme):
    browser.open(page, width=width, scheme=scheme)
    browser.picture(tmp_path / f"survey-{width}-{scheme}.png")
    assert browser.script("return document.documentElement.scrollWidth") <= width
    assert browser.requests() == []
    assert browser.messages() == []
    assert re.search(r"\b7 failed\b", browser.text("top"))
    assert "FileNotFoundError" in browser.text("failures")


def test_every_failed_replica_is_reached_by_keyboard(browser, page, tiles):
    browser.open(page)
    browser.focus("filter")
    browser.keys(TAB)
    assert browser.focused() == "grid"
    reached = set()
    for _ in range(20):
        browser.keys("f")
        found = re.match(r"(\S+), failed", browser.script("return document.getElementById('said').textContent"))
        reached |= {found[1]} if found else set()
    assert reached == {row.name for row in tiles.status.rows if row.cause}


def test_enter_opens_the_panel_and_escape_returns_to_the_grid(browser, page):
    browser.open(page)
    browser.focus("grid")
    browser.keys("f", ENTER)
    panel = browser.text("panel")
    for part in ("attempt 3 of 3", "MemoryError", "16 GB requested", "line 38", "skaha-apply mark rerun tile-t00083"):
        assert part in panel
    assert browser.script("return document.getElementById('panel').contains(document.activeElement)")
    browser.keys(ESCAPE)
    assert browser.focused() == "grid"
    assert browser.script("return document.getElementById('panel').hidden")


def test_tab_stays_in_the_panel_and_escape_closes_it_from_anywhere(browser, page):
    browser.open(page)
    browser.focus("grid")
    browser.keys("f", ENTER)
    for _ in range(12):
        browser.keys(TAB)
        assert browser.script("return document.getElementById('panel').contains(document.activeElement)")
    browser.script("document.activeElement.blur()")
    browser.keys(ESCAPE)
    assert browser.script("return document.getElementById('panel').hidden")


def test_a_failure_that_runs_again_is_listed_and_found(browser, page):
    browser.open(page)
    assert re.search(r"run again by themselves\s+\d+\s+MemoryError", browser.text("failures"))
    browser.focus("filter")
    browser.keys("running retried memoryerror")
    assert re.search(r"\d running", browser.text("grid"))
    assert "done" not in browser.text("grid")


def test_an_end_without_all_entries_is_not_the_end(browser, page):
    browser.open(page)
    assert re.search(r"not known yet\s+.*no replica of .*catalog has ended", browser.text("top"))


def test_the_filter_narrows_the_grid_and_the_lists(browser, page):
    browser.open(page)
    browser.focus("filter")
    browser.keys("failed", " ", "simple")
    assert "2 failed" in browser.text("grid")
    assert "OSError" in browser.text("failures")
    assert "MemoryError" not in browser.text("failures")


def test_failures_that_are_retried_are_shown_and_found(browser, retries):
    browser.open(retries)
    shown = browser.text("failures")
    assert "No replica has failed for good." in shown
    for name, state in (("3", "is running"), ("4", "is queued"), ("6", "has not started")):
        assert f"tile-t0000{name} (attempt 2 of 2 {state})" in shown
    browser.focus("grid")
    reached = set()
    for _ in range(4):
        browser.keys("f")
        reached.add(browser.script("return document.getElementById('said').textContent").partition(",")[0])
    assert reached == {"tile-t00003", "tile-t00004", "tile-t00006"}
    for query, names in (("retry", "346"), ("failed", "346"), ("simple", "4"), ("filenotfound", "36")):
        browser.script("document.getElementById('filter').value = ''")
        browser.focus("filter")
        browser.keys(*query)
        shown = browser.text("failures")
        assert {name for name in "346" if f"tile-t0000{name} (" in shown} == set(names)
        assert f"{len(names)} replica" in browser.script("return document.getElementById('said').textContent")
    browser.script(
        "[...document.querySelectorAll('#failures button')].find(one => one.innerText == 'tile-t00003').click()"
    )
    assert browser.script("return document.getElementById('panel-title').innerText") == "tile-t00003"


def test_the_end_is_not_known_before_a_replica_of_each_entry_has_ended(browser, retries):
    browser.open(retries)
    shown = browser.text("top")
    assert "not known yet" in shown
    assert re.search(r"tile-\S+: about [-\d: ]+; no replica of stack-\S+, catalog has ended", shown)


def test_an_end_that_follows_from_upper_bounds_is_at_most_about_a_time(browser, tmp_path):
    file, data = tmp_path / "bounds.html", data_of(survey_of_retries())
    pace = data["projects"][0]["pace"]
    pace |= {"at_most": True, "low": pace["left"], "high": pace["left"]}
    file.write_text(page_html(data), encoding="utf-8")
    browser.open(file)
    assert re.search(r"tile-\S+: at most about [-\d: ]+; no replica of", browser.text("top"))
    pace["not_estimated"] = []
    file.write_text(page_html(data), encoding="utf-8")
    browser.open(file)
    assert set(re.findall(r"(in )?at most about \d", browser.text("top"))) == {"", "in "}


def test_nothing_to_start_now_states_what_starts_later(browser, tmp_path):
    file, data = tmp_path / "full.html", data_of(survey_of_retries())
    data["projects"][0]["next"]["does"] = []
    file.write_text(page_html(data), encoding="utf-8")
    browser.open(file)
    shown = browser.text("next")
    for part in ("Nothing to start now: 4 of 4 slots of tile-", "5 start as slots become free", "11 after their"):
        assert part in shown
    assert "would do" not in shown
    assert "If none is running, this one does" in shown
    data["projects"][0] |= {"waits": {}, "counts": {"running": 4}}
    file.write_text(page_html(data), encoding="utf-8")
    browser.open(file)
    assert "skaha-apply apply" not in browser.text("next")


def panel_of(browser, name):
    browser.focus("filter")
    browser.script("document.getElementById('filter').value = ''")
    browser.keys(*name, ENTER, ENTER)
    return browser.text("panel")


def test_the_panel_has_the_commands_that_fit_the_phase(browser, page, retries):
    browser.open(retries)
    waiting, running = panel_of(browser, "tile-t00009"), panel_of(browser, "tile-t00003")
    assert "not started, up to 2 attempts" in waiting
    assert ("skaha-apply logs" in waiting, "mark rerun" in waiting) == (False, False)
    assert ("skaha-apply logs" in running, "mark rerun" in running) == (True, False)
    browser.open(page)
    failed = panel_of(browser, "tile-t00083")
    order = ["Fix the cause", "skaha-apply logs", "Mark the replica", "mark rerun tile-t00083", "skaha-apply apply"]
    assert [part in failed for part in order] == [True] * len(order)
    assert sorted(order, key=failed.index) == order


def test_a_narrow_panel_cuts_nothing_and_breaks_commands_at_spaces(browser, retries):
    browser.open(retries, width=390)
    panel_of(browser, "tile-t00003")
    assert browser.script(
        "return [...document.querySelectorAll('#panel, #panel .wide')].every(one => one.scrollWidth <= one.clientWidth)"
    )
    lines = "[...document.querySelectorAll('#panel code span')].map(one => one.getClientRects().length)"
    assert set(browser.script(f"return {lines}")) == {1}


def test_the_axis_of_run_times_ends_near_the_longest_time(browser, page):
    browser.open(page)
    right = (
        "const ends = (svg) => [...svg.querySelectorAll('.bin')].map(bin => bin.getBoundingClientRect().right);"
        "const left = (svg) => svg.getBoundingClientRect().x;"
        "return [...document.querySelectorAll('.plot.runs svg')].map(svg => Math.max(...ends(svg)) - left(svg))"
    )
    width = browser.script("return document.querySelector('.plot.runs svg').getBoundingClientRect().width")
    assert max(browser.script(right)) > 0.4 * width
    assert "after 14 days" in browser.text("runs")


def test_requests_that_were_too_small_are_named(browser, page):
    browser.open(page)
    rows = [re.sub(r"\s+", " ", one) for one in browser.text("use").splitlines()]
    (prepare,) = [one for one in rows if one.startswith("prepare")]
    (tile,) = [one for one in rows if one.startswith("tile-")]
    assert "ram: more than requested" in prepare
    assert re.search(r"15\.9 GB ram: request more, \d+ attempts failed near 16 GB", tile)
    assert "would do" not in tile


def test_the_wait_in_the_queue_names_sessions_that_still_wait(browser, page, tiles, tmp_path):
    browser.open(page)
    queued = tiles.status.summary.queue[QueuePart.SERVER]
    text = rf"started sessions at most 2 min, .*, the longest 5 min; {queued} wait now, the longest for 5 h 00 min\."
    assert re.search(text, browser.text("time"))
    file, data = tmp_path / "first.html", data_of(survey_of_retries())
    data["projects"][0]["queue"] |= {"n": 0, "waiting": 1}
    file.write_text(page_html(data), encoding="utf-8")
    browser.open(file)
    assert "Wait in the queue: 1 waits now, for 15 min." in browser.text("time")


def test_the_pace_states_what_it_counts(browser, page, tmp_path):
    browser.open(page)
    text = r"Pace\s+[\d.]+ done/h\s+20 done in the last 6 h \d\d min, none in the last 6 h \d\d min; 21 h 02 min so far"
    assert re.search(text, browser.text("top"))
    file, data = tmp_path / "pace.html", data_of(survey_of_retries())
    for quiet, shown in ((60, "3 done in 15 min so far"), (600, "3 done in 15 min so far, none in the last 10 min")):
        given = {"rate": 3 / 900, "recent": 3, "window": 900, "elapsed": 900, "quiet": quiet}
        data["projects"][0]["pace"] |= given
        file.write_text(page_html(data), encoding="utf-8")
        browser.open(file)
        assert re.search(rf"Pace\s+12 done/h\s+{shown}$", browser.text("top"))


def test_core_hours_state_which_are_lost(browser, page):
    browser.open(page)
    text = r"used\s+[\d.]+ of them lost in attempts that failed or were deleted; [\d.]+ to come and an unknown number"
    assert re.search(text, browser.text("top"))


EVIL = "</script><img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"


def hostile(tiles):
    """The survey with texts of others in each place that a page shows."""
    bad = EVIL + "\u2028\u2029\u202e\x1b[31m\x00\udcff"
    endless = bad + "x" * 1_000_000
    status = tiles.status
    rows = tuple(
        replace(row, cause=endless if row.cause else "", name=row.name + EVIL, event=bad, id=bad) for row in status.rows
    )
    document = replace(
        status.document,
        replicas=tuple(
            replace(one, earlier=tuple(replace(each, cause=bad, note=bad) for each in one.earlier))
            for one in status.document.replicas
        ),
    )
    sessions = tuple(replace_spec(spec, image=EVIL, values={EVIL: "a", **spec.values}) for spec in tiles.sessions)
    logs = {row.name: LogTail(1, (endless if row.cause else bad, EVIL)) for row in rows}
    return replace(
        tiles,
        status=replace(status, project=f"p{EVIL}", rows=rows, document=document),
        sessions=sessions,
        server=endless,
        logs=logs,
        commands={name: f"{text} {EVIL}" for name, text in tiles.commands.items()},
    )


def replace_spec(spec, **values):
    return spec.model_copy(update=values)


def test_hostile_texts_are_inert(browser, tiles, tmp_path):
    file = tmp_path / "hostile.html"
    html = page_html(data_of(hostile(tiles)))
    file.write_text(html, encoding="utf-8")
    assert html.count("onerror") > 50
    browser.open(file)
    browser.focus("grid")
    browser.keys("f", ENTER)
    assert "onerror" in browser.text("panel")
    assert "onerror" in browser.text("main")
    assert browser.script("return document.querySelectorAll('img, body script:not([type]) ~ script').length") == 0
    assert browser.driver.title.startswith("p</script>")
    assert browser.messages() == []
    assert browser.requests() == []


AXE = "axe-core@4.10.3"


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The text of axe-core, which finds what people with a screen reader or poor eyes cannot use."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not installed")
    place = tmp_path_factory.mktemp("axe")
    words = [npm, "install", "--prefix", place, "--no-audit", "--no-fund", "--ignore-scripts", AXE]
    if subprocess.run(words, capture_output=True, timeout=120, check=False).returncode:
        pytest.skip(f"npm cannot install {AXE}")
    return (place / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def violations(browser, axe):
    browser.command("Runtime.evaluate", expression=axe)
    found = browser.command(
        "Runtime.evaluate",
        expression="axe.run(document).then(found => JSON.stringify(found.violations))",
        awaitPromise=True,
        returnByValue=True,
    )
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in json.loads(found["result"]["value"])
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, page, axe, scheme):
    browser.open(page, scheme=scheme)
    assert violations(browser, axe) == []
    browser.focus("grid")
    browser.keys("f", ENTER)
    found = violations(browser, axe)
    assert found == [], found


def test_a_public_page_and_an_empty_one_are_drawn(browser, tiles, tmp_path):
    file = tmp_path / "public.html"
    for pages in ([tiles], [tiles, tiles], []):
        file.write_text(page_html(data_of(*pages, public=True)), encoding="utf-8")
        browser.open(file)
        shown = browser.script("return document.body.innerText")
        assert not re.search(r"\b(null|undefined|NaN)\b", shown)
        assert ("7 failed" in shown) == bool(pages)
        assert browser.messages() == []
        browser.picture(tmp_path / f"public-{len(pages)}.png")


def test_a_live_page_without_a_project_shows_errors(browser, tmp_path):
    file = tmp_path / "none.html"
    file.write_text(page_html(data_of() | {"ask": 0.1, "errors": ["the manifest is broken"]}, live=True), "utf-8")
    browser.open(file)
    shown = "return document.getElementById('trouble').textContent"
    assert browser.script(shown).endswith("the manifest is broken")  # it may have asked already
    until = time.monotonic() + 20
    while "no response" not in browser.script(shown):  # a file has no server
        assert time.monotonic() < until, "it asks no more"


def test_a_page_from_a_dark_browser_is_printed_in_the_light_colors(browser, page):
    browser.open(page, scheme="dark")
    names = ("paper", "card", "ink", "focus", "alarm", *CLASSES)
    colors = "const style = getComputedStyle(document.documentElement);"
    colors += "return arguments[0].map(name => style.getPropertyValue(`--${name}`))"
    dark = browser.script(colors, names)
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.command("Emulation.setEmulatedMedia", media="print", features=features)
    printed = dict(zip(names, browser.script(colors, names), strict=True))
    browser.command("Emulation.setEmulatedMedia", media="", features=[])
    assert (printed["paper"], printed["ink"]) == ("#ffffff", "#000000")
    light = dict(zip(names, browser.script(colors, names), strict=True))
    assert {name: printed[name] for name in names[3:]} == {name: light[name] for name in names[3:]}
    assert printed["focus"] not in dark


def test_a_page_is_out_of_date_after_three_polls_of_open_work(browser, tiles, tmp_path):
    file = tmp_path / "old.html"
    for seconds, kind in ((25, ""), (35, "alarm")):  # the poll is 10 s
        data = data_of(tiles)
        data["projects"][0]["at"] = round(time.time()) - seconds
        file.write_text(page_html(data), encoding="utf-8")
        browser.open(file)
        assert browser.script("return document.getElementById('age').className") == kind
        assert "ago" in browser.text("age")
        assert ("skaha-apply status --html survey.html" in browser.text("top")) == bool(kind)


def test_a_page_that_shows_the_last_change_of_a_state_is_never_out_of_date(browser, tiles, tmp_path):
    file, data = tmp_path / "quiet.html", data_of(tiles) | {"poll": None}
    data["projects"][0]["at"] = int(time.time()) - 91 * 60
    file.write_text(page_html(data), encoding="utf-8")
    browser.open(file)
    assert browser.script("return document.getElementById('age').className") == ""
    assert "1 h 31 min ago)" in browser.text("age")
    assert "out of date" not in browser.text("age")


def test_a_number_of_the_head_shows_exactly_its_replicas(browser, page, retries):
    for file in (page, retries):
        browser.open(file)
        for place in range(browser.script("return document.querySelectorAll('.legend button').length")):
            button = f"document.querySelectorAll('.legend button')[{place}]"
            count = re.match(r"[\d,]+", browser.script(f"{button}.click(); return {button}.innerText"))[0]
            said = browser.script("return document.getElementById('said').textContent")
            assert re.match(rf"{count} replicas? match", said)
            assert browser.script(f"return {button}.getAttribute('aria-pressed')") == "true"
    browser.script(f"{button}.click()")
    assert browser.script("return document.getElementById('filter').value") == ""


def test_the_numbers_of_the_queue_are_disjoint(browser, retries):
    browser.open(retries)
    shown = browser.text("top")
    for text in (
        "2 queued at the server",
        "5 wait for a slot",
        "11 wait for a dependency",
        "3 wait for the next apply",
    ):
        assert text in shown


def test_it_is_printed_on_two_pages(browser, page):
    browser.open(page)
    printed = browser.command("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)
    pdf = base64.b64decode(printed["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2


def test_20000_replicas_are_few_elements_and_little_memory(browser, tmp_path, large_page):
    file = tmp_path / "large.html"
    file.write_text(large_page, encoding="utf-8")
    browser.open(file)
    browser.focus("filter")
    browser.keys(*"tile-t001")
    assert "99 done" in browser.text("grid")
    assert browser.script("return document.querySelectorAll('*').length") < 1500
    browser.command("HeapProfiler.collectGarbage")
    assert browser.command("Runtime.getHeapUsage")["usedSize"] < 300e6
