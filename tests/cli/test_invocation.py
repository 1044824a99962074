"""The command line that a hint repeats: pasteable, and without what must not be shown."""

from __future__ import annotations

from skaha_apply.cli.invocation import (
    complete_commands,
    complete_lines,
    complete_reason,
    exclude_variables,
    project_command,
    repeat_command,
    set_paths,
    set_shared,
    set_words,
)


def test_it_is_quoted_and_leaves_logins_and_sensitive_values_out():
    words = ["apply", "my manifests", "--var", "token=geheim", "--var=other=secret", "--var", "night=2026-11-22"]
    set_words([*words, "--state", "https://me:pass@example.org/state"])
    exclude_variables(["token", "other"])
    assert repeat_command() == (
        "skaha-apply apply 'my manifests' --var night=2026-11-22 --state https://example.org/state"
    )


def test_commands_in_a_hint_repeat_what_chooses_server_state_and_project():
    set_words(["plan", "--sandbox", "my manifests"])
    set_shared({"--sandbox": "", "--server": None, "--project": "survey"}, ["my manifests"])
    hint = "run `skaha-apply state unlock 3f2b`, or `skaha-apply lint`, or repeat: skaha-apply plan --force"
    assert complete_commands(hint) == (
        "run `skaha-apply state unlock 3f2b --sandbox --project survey --manifest 'my manifests'`, or "
        "`skaha-apply lint 'my manifests'`, or repeat: "
        "skaha-apply plan --force --sandbox --project survey 'my manifests'"
    )
    assert complete_commands("`skaha-apply plan --sandbox`").count("--sandbox") == 1


def test_a_state_command_in_a_hint_gets_only_options_that_it_has():
    set_words(["apply", "m.yaml"])
    set_shared({"--credential-command": "token", "--server": "canfar"}, ["m.yaml"])
    hint = "`skaha-apply state push saved.json`, `skaha-apply state unlock 3f2b`, `skaha-apply state rebind`"
    assert complete_commands(hint) == (
        "`skaha-apply state push saved.json --server canfar`, "
        "`skaha-apply state unlock 3f2b --server canfar --manifest m.yaml`, "
        "`skaha-apply state rebind --credential-command token --server canfar --manifest m.yaml`"
    )


def test_a_command_on_the_project_repeats_what_is_not_sensitive():
    words = ["--var", "token=geheim", "--var=night=2026-11-22", "--var-file", "my values.yaml", "--yes"]
    set_words(["apply", "plan.json", "--sandbox", *words])
    set_shared({"--sandbox": "", "--project": "survey"}, ["plan.json"])
    set_paths(["m.yaml"])
    exclude_variables(["token"])
    more = "--var night=2026-11-22 --var-file 'my values.yaml'"
    assert project_command("mark rerun --phase failed --project survey") == (
        f"skaha-apply mark rerun --phase failed --project survey --sandbox --manifest m.yaml {more}"
    )
    assert complete_lines("To resolve them:\n  skaha-apply mark hold a\nreduce  skaha-apply mark hold b\n") == (
        f"To resolve them:\n  skaha-apply mark hold a --sandbox --project survey --manifest m.yaml {more}\n"
        "reduce  skaha-apply mark hold b\n"
    )
    assert project_command("destroy") == f"skaha-apply destroy --sandbox --project survey m.yaml {more}"


def test_a_command_on_the_project_has_no_login_in_an_address():
    url = "https://me:pass@example.org"
    set_words(["plan", "--var", f"url={url}/x", f"--var=other={url}/y", f"--var-file={url}/z"])
    set_shared({"--state": f"{url}/state", "--server": f"{url}/skaha"}, [f"{url}/m.yaml"])
    assert project_command("destroy") == (
        "skaha-apply destroy --state https://example.org/state --server https://example.org/skaha "
        "https://example.org/m.yaml --var url=https://example.org/x --var other=https://example.org/y "
        "--var-file https://example.org/z"
    )
    assert "pass" not in project_command("mark hold a") + complete_commands("`skaha-apply ps`")


def test_a_command_in_a_reason_that_reads_the_manifests_repeats_the_variables():
    set_words(["plan", "--sandbox", "--var", "n=3", "--var", "token=geheim"])
    set_shared({"--sandbox": ""}, ["m.yaml"])
    exclude_variables(["token"])
    for command in ("plan", "apply", "destroy", "refresh", "status", "doctor"):
        assert complete_reason(f"run `skaha-apply {command}`") == (
            f"run `skaha-apply {command} --sandbox m.yaml --var n=3`"
        )


def test_a_command_in_a_reason_repeats_the_options_and_a_mark_also_the_variables():
    set_words(["apply", "--sandbox", "--var", "night=1"])
    set_shared({"--sandbox": ""}, ["m.yaml"])
    reason = "fix the cause, then `skaha-apply mark rerun 'a b' --phase failed`, or `skaha-apply state forget a`"
    assert complete_reason(reason) == (
        "fix the cause, then `skaha-apply mark rerun 'a b' --phase failed --sandbox --manifest m.yaml --var night=1`, "
        "or `skaha-apply state forget a --sandbox --manifest m.yaml`"
    )
