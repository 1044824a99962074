from __future__ import annotations

from skaha_apply.model.diagnostics import Location
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.render.errors import error_text


def test_error_states_location_problem_and_next_step():
    error = SkahaApplyError("unknown key `imge`", hint="write `image`", location=Location("m/a.yaml", 7, 3, 7, 7))
    assert error_text(error) == "error: m/a.yaml:7:3: unknown key `imge`\nhint: write `image`\n"


def test_further_lines_are_indented_and_escapes_shown():
    assert error_text(SkahaApplyError("one\ntwo\x1b[2J")) == "error: one\n  two\\x1b[2J\n"
