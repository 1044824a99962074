from __future__ import annotations

import pytest
from reason_notes import note

from skaha_apply.render.plan.markdown import COMMENT, plans_markdown


def test_a_small_plan_is_whole(action, plan):
    text = plans_markdown([plan(action("create", reason="not live"), refused=note("too much"), new_state=True)])
    assert text.startswith("### survey: 1 to create, 0 to replace, 0 to delete\n")
    assert "**Refused:** too much\n" in text
    assert "this plan creates one" in text
    assert "+   create  reduce [1]  not live\n" in text
    assert "are not shown" not in text


def test_a_large_plan_is_cut_and_keeps_the_counts(action, plan):
    wide = plan(*(action("create", f"tile-{i}-{'x' * 500}", replicas=1) for i in range(300)))
    text = plans_markdown([wide, plan(project="second")])
    assert len(text) <= COMMENT
    assert "### survey: 300 to create" in text
    assert "### second: no changes" in text
    assert "are not shown" in text
    assert text.count("```") % 2 == 0
    assert text.rstrip().endswith("</details>")


@pytest.mark.parametrize("limit", [200, 400, 1000, 5000, 20_000])
def test_no_limit_is_exceeded(limit, action, plan):
    plans = [plan(action("create", reason="r" * 3000), project=f"p{i}", notes=(note("n" * 400),)) for i in range(50)]
    text = plans_markdown(plans, limit)
    assert len(text) <= limit
    assert "more projects; " in text or "are not shown" in text


def test_markup_of_others_stays_text(action, plan):
    text = plans_markdown([plan(action("conflict", reason="``` </details> <img src=x>"), project="<b>*p*")])
    assert r"### \<b\>\*p\*: no changes" in text
    assert "\n````\n" in text
