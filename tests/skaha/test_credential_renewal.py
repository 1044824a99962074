"""When a program that renews the credential runs, and how often."""

import asyncio
import base64
import json
import sys

import pytest
from adversary import awaited

from skaha_apply.model.errors import Unauthorized
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.auth.renewal import CredentialCommand
from skaha_apply.skaha.client import Client, ClientOptions


class Source:
    """Tokens of a list, the next one at each renewal after a refusal."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)
        self.renewals = 0

    def login(self):
        return token_login(self.tokens[0], "the test")

    async def renew(self, _now, /, *, refused):
        if refused:
            self.renewals += 1
            await asyncio.sleep(0.1)
            self.tokens = self.tokens[1:] or self.tokens


@awaited
async def test_the_refusals_of_many_requests_in_flight_renew_once(sandbox):
    for tokens in (("token-expired", sandbox.token), ("token-expired",)):
        source = Source(*tokens)
        async with Client(ClientOptions(sandbox.url, source.login, source.renew)) as skaha:
            ids = [f"abcdefg{number}" for number in range(9)]
            answers = await asyncio.gather(*map(skaha.session, ids), return_exceptions=True)
        assert source.renewals == 1
        expected = type(None) if len(tokens) > 1 else Unauthorized
        assert {type(answer) for answer in answers} == {expected}


@pytest.fixture
def printing(tmp_path):
    """A function that writes a program which prints a token with this end, and counts its calls."""

    def write(expires):
        body = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
        text = f"open({str(tmp_path / 'calls')!r}, 'a').write('x'); print('e30.{body}.c2ln')"
        (tmp_path / "print.py").write_text(text)
        return CredentialCommand(f"{sys.executable} {tmp_path / 'print.py'}", {})

    return write


@awaited
async def test_the_command_runs_at_the_start_near_the_end_and_after_a_refusal(printing, tmp_path):
    def calls():
        return len((tmp_path / "calls").read_text())

    command = printing(1000.0)
    await command.renew(0.0, refused=False)
    assert command.login().expires == 1000.0
    await command.renew(939.0, refused=False)
    assert calls() == 1
    await command.renew(941.0, refused=False)
    assert calls() == 2
    await command.renew(0.0, refused=True)
    assert calls() == 3


@awaited
async def test_a_command_that_takes_too_long_is_ended_with_its_children(monkeypatch, tmp_path):
    monkeypatch.setattr("skaha_apply.skaha.auth.renewal.LIMIT", 0.3)
    command = CredentialCommand(
        f"sh -c 'sleep 1 && touch {tmp_path}/late & wait; echo token'", {"PATH": "/usr/bin:/bin"}
    )
    with pytest.raises(Unauthorized, match="did not end within"):
        await command.renew(0.0, refused=False)
    await asyncio.sleep(1.2)
    assert not (tmp_path / "late").exists()
