"""The command line that a hint repeats: pasteable, and without what must not be shown."""

from __future__ import annotations

from skaha_apply.cli.invocation import exclude_variables, repeat_command, set_words


def test_it_is_quoted_and_leaves_logins_and_sensitive_values_out():
    words = ["apply", "my manifests", "--var", "token=geheim", "--var=other=secret", "--var", "night=2026-11-22"]
    set_words([*words, "--state", "https://me:pass@example.org/state"])
    exclude_variables(["token", "other"])
    assert repeat_command() == (
        "skaha-apply apply 'my manifests' --var night=2026-11-22 --state https://example.org/state"
    )
