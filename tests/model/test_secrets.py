from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from skaha_apply.model.masking.secrets import masked

ODD = 'p&ss w/rd"\\é'


@pytest.mark.parametrize(
    "text",
    [
        f"token is {ODD}!",
        f"body: {urlencode({'env': f'TOKEN={ODD}'})}",
        f"GET /x?token={quote(ODD)}",
        f"GET /x?token={quote(ODD, safe='')}",
        json.dumps({"env": ODD}),
        json.dumps({"env": ODD}, ensure_ascii=False),
    ],
)
def test_a_value_is_masked_as_it_is_and_as_urls_and_json_write_it(text):
    shown = masked(text, {"token": ODD})
    assert "(sensitive)" in shown
    assert "rd" not in shown


def test_the_longer_of_two_values_is_masked_whole():
    assert masked("abcdefgh", {"a": "abcd", "b": "abcdefgh"}) == "(sensitive)"


def test_each_line_of_a_value_is_masked():
    pem = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"
    assert "MIIE" not in masked("read MIIEvQIBADANBg from it", {"pem": pem})
    assert "MIIE" not in masked(f"it is {pem!r}".replace("'", ""), {"pem": pem})


def test_a_short_value_is_masked_where_it_stands_alone():
    assert masked("x 7 17 7th =7", {"pin": "7"}) == "x (sensitive) 17 7th =(sensitive)"


def test_nothing_is_masked_without_values():
    assert masked("text", {}) == "text"
    assert masked("text", {"empty": "", "blank": " "}) == "text"
