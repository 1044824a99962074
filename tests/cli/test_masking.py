"""The output of an internal error, and the last mask before standard output and error."""

from __future__ import annotations

import pytest

from skaha_apply.cli import errors
from skaha_apply.cli.options import ServerOptions
from skaha_apply.cli.output import masking
from skaha_apply.cli.output.streams import Streams
from skaha_apply.model.errors import ExitCode

SECRET = "tok-7Kq9.Zx4+vB2"


@pytest.fixture(autouse=True)
def _lifted():
    yield
    masking.clear_secrets()


def test_traceback_of_an_internal_error_shows_no_given_value(capsys, monkeypatch):
    monkeypatch.setenv("SKAHA_VAR_other", "another-secret")

    def command(options):
        given = options.setting().given
        raise ValueError(f"with {sorted(given.values.values())}")

    options = ServerOptions(var=[f"token={SECRET}"], verbose=True)
    assert errors.guarded(command, options) is ExitCode.ERROR
    printed = capsys.readouterr()
    assert "Traceback" in printed.err
    assert "ValueError: with ['(sensitive)', '(sensitive)']" in printed.err
    assert SECRET not in printed.err


def test_secrets_are_masked_in_all_output(capsys):
    masking.add_secrets({"token": SECRET, "pin": "1234"})
    streams = Streams(color=False)
    streams.show(f'{{"replica": 1234, "token": "{SECRET}"}}\n')
    streams.notify_line(f"said {SECRET}")
    printed = capsys.readouterr()
    assert printed.out == '{"replica": 1234, "token": "(sensitive)"}\n'  # short ones may be there by chance
    assert printed.err == "said (sensitive)\n"


def test_next_invocation_begins_without_the_values_of_the_last(capsys):
    masking.add_secrets({"token": SECRET})

    def command(_):
        Streams(color=False).notify_line(SECRET)
        return ExitCode.OK

    assert errors.guarded(command, ServerOptions()) is ExitCode.OK
    assert capsys.readouterr().err == f"{SECRET}\n"
