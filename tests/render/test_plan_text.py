from __future__ import annotations

import re

import pytest
from reason_notes import note

from skaha_apply.model.plan import Change
from skaha_apply.model.spec import DesiredReplica, SessionSpec
from skaha_apply.render.color import terminal_colors
from skaha_apply.render.plan.markdown import plans_markdown
from skaha_apply.render.plan.text import plan_text

NEW = "not in the state and not live"


def test_replicas_that_share_action_reason_and_changes_are_one_line(action, plan):
    change = (Change("args[2]", "r", "g"), Change("env.BAND", None, "g"))
    replaced = [action("replace", replica=i, reason="spec changed", changes=change) for i in range(1, 101) if i != 38]
    shown = plan(
        *replaced,
        action("create", "mosaic", replicas=1, reason=NEW),
        action("unchanged", replica=38, reason="running"),
        recomputed=40,
        core_hours_lost=12.5,
        lost_is_bound=True,
    )
    assert plan_text(shown) == (
        "survey on https://ws-uv.canfar.net/skaha/v1\n"
        "\n"
        "-/+ replace  reduce [1-37,39-100]  spec changed\n"
        '      args[2]: "r" -> "g"  # forces replacement\n'
        '      env.BAND: (none) -> "g"  # forces replacement\n'
        "+   create   mosaic  not in the state and not live\n"
        "\n"
        "Plan: 1 to create, 99 to replace, 0 to delete.\n"
        "Also: 1 unchanged.\n"
        "40 finished replicas would be computed again.\n"
        "Core-hours lost by deleting, replacing and rerunning: at most 12.5.\n"
    )


def test_first_line_shows_a_new_state_and_the_last_line_a_refusal(action, plan):
    shown = plan(
        action("create", reason=NEW),
        new_state=True,
        notes=(note("the server tells no time"),),
        refused=note("too much"),
    )
    lines = plan_text(shown).splitlines()
    assert "no state yet; this plan creates one" in lines[0]
    assert lines[1] == "note: the server tells no time"
    assert lines[-1] == "Refused: too much."


def test_change_of_replicas_states_why_everything_is_computed_again(action, plan):
    resized = action("replace", reason="spec changed", changes=(Change("replicas", 50, 100),))
    text = plan_text(plan(resized, recomputed=1))
    assert "1 finished replica would be computed again, because another number of replicas changes every share." in text


@pytest.mark.parametrize(
    ("reasons", "shown"),
    [
        (["k2j3h4g5 of that name is active", "zzabc123 of that name is active"], "… of that name is active"),
        (["failed in attempt 1", "failed in attempt 3"], "failed in attempt 1-3"),
        (["started again in 8s", "started again in 8s"], "started again in 8s"),
    ],
)
def test_reasons_that_differ_in_ids_or_numbers_are_grouped(reasons, shown, action, plan):
    text = plan_text(plan(*(action("conflict", replica=i, reason=one) for i, one in enumerate(reasons, 1))))
    assert f"! conflict  reduce [1-2]  {shown}\n" in text.replace("!   ", "! ")


def test_reasons_that_differ_in_words_are_not_grouped(action, plan):
    text = plan_text(plan(action("wait", reason="needs a"), action("wait", replica=2, reason="needs b")))
    assert "reduce [1]  needs a" in text
    assert "reduce [2]  needs b" in text


def test_single_action_shows_its_id(action, plan):
    assert "-   delete  desk (k2j3h4g5)  gone\n" in plan_text(
        plan(action("delete", "desk", replicas=1, reason="gone", id="k2j3h4g5")),
    )


def test_empty_plan_states_this_and_lists_what_is_left(action, plan):
    done = plan(action("done"), action("unchanged", replica=2))
    assert "No changes. All sessions of the manifest are live or done.\n" in plan_text(done)
    left = plan_text(plan(action("failed", reason="failed in attempt 1"), action("blocked", "mosaic", reason="needs")))
    assert "!   failed   reduce [1]  failed in attempt 1\n" in left
    assert "No changes are possible now; the list above shows what is left.\nReplicas: 1 blocked, 1 failed.\n" in left


def test_what_left_the_manifest_is_counted_but_not_by_a_destroy(action, plan):
    retired = [action("retired", replica=number) for number in (2, 3)]
    kept = "2 no longer in the manifest (their results are kept)"
    assert f"Also: {kept}.\n" in plan_text(plan(action("create", reason=NEW), *retired))
    assert f"are live or done.\nReplicas: {kept}.\n" in plan_text(plan(*retired))
    assert f"Also: {kept}.\n" in plans_markdown([plan(*retired)])
    assert "no longer in the manifest" not in plan_text(plan(*retired, destroys=True))


def test_an_interactive_kind_is_not_forced_by_what_is_never_sent(action, plan):
    spec = SessionSpec(name="desk", image="i", kind="notebook")
    desired = DesiredReplica(spec, 1, "desk", "1:a", "1:b", 0, "tag")
    change = (Change("image", "a", "b"), Change("env.A", "1", "2"))
    text = plan_text(plan(action("replace", "desk", replicas=1, desired=desired, changes=change)))
    assert 'image: "a" -> "b"  # forces replacement\n' in text
    assert 'env.A: "1" -> "2"\n' in text


def test_text_of_others_cannot_act_on_the_terminal(action, plan):
    reason = "\x1b[31mred\x1b[0m [red]markup[/red]\nnext\u202eline"
    text = plan_text(
        plan(action("conflict", "a\x07b", reason=reason), project="p\r", refused=note("\x1b]0;title\x07")),
        terminal_colors(),
    )
    assert r"\x1b[31mred\x1b[0m [red]markup[/red]\nnext\u202eline" in text
    assert r"a\x07b" in text
    assert "\x07" not in text
    assert "\r" not in text


def test_long_values_are_cut_where_they_differ(action, plan):
    long = "x" * 5000
    text = plan_text(plan(action("replace", changes=(Change("args[0]", long + "old", long + "new"),))))
    assert 'old" -> ' in text
    assert 'new"  # forces' in text
    assert len(text) < 1000


def test_color_only_adds_codes(action, plan):
    shown = plan(action("create", reason=NEW))
    text = plan_text(shown, terminal_colors())
    assert "\x1b[32m" in text
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == plan_text(shown)


def test_twenty_thousand_sessions_stay_bounded(action, plan):
    tiles = plan(*(action("create", f"tile-{i}", replicas=1, reason=NEW) for i in range(20_000)))
    text = plan_text(tiles)
    assert len(text.splitlines()) < 250
    assert "… and 19800 actions more; -o json lists all of them" in text
    assert "Plan: 20000 to create" in text


def test_scattered_replicas_stay_one_short_line(action, plan):
    scattered = plan(*(action("create", replica=i, replicas=20_000, reason=NEW) for i in range(1, 20_000, 2)))
    assert "reduce [1,3,5,7,9,11,13,15,17,19,21,23,… 10000 in total]" in plan_text(scattered)


def test_many_changed_fields_are_counted(action, plan):
    changes = tuple(Change(f"args[{i}]", "a", "b") for i in range(50))
    assert "… and 30 more fields" in plan_text(plan(action("replace", changes=changes)))


def test_values_that_cannot_be_hashed_are_grouped_too(action, plan):
    changes = [(Change("env", None, {"A": ["1"]}),) for _ in range(2)]
    text = plan_text(plan(*(action("replace", replica=i, changes=one) for i, one in enumerate(changes, 1))))
    assert 'reduce [1-2]\n      env: (none) -> {"A": ["1"]}' in text


def test_plan_shows_the_commands_for_failed_and_unknown_replicas(action, plan):
    text = plan_text(plan(action("failed"), action("unknown", "mosaic")))
    assert "To resolve failed replicas:\n  skaha-apply mark rerun reduce --phase failed\n" in text
    unknown = [f"  skaha-apply mark {verb} mosaic --phase unknown\n" for verb in ("complete", "rerun")]
    assert f"To resolve unknown replicas:\n{''.join(unknown)}" in text
    assert "To resolve" not in plan_text(plan(action("create")))
