"""Every output format of the tables has a module that renders it."""

from inspect import signature

import pytest

from skaha_apply.render.formats import LintFormat, Medium, PlanFormat, SplitFormat

PARAMETERS = {PlanFormat: 3, LintFormat: 1, SplitFormat: 2}


@pytest.mark.parametrize("form", [*PlanFormat, *LintFormat, *SplitFormat], ids=lambda form: form.module)
def test_each_format_has_a_module_with_a_function_that_renders_it(form):
    assert len(signature(form.render).parameters) == PARAMETERS[type(form)]
    assert (form.medium is Medium.TEXT) == (form == "text")
