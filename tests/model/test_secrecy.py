"""What is sensitive is made unreadable in any text that comes back."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from skaha_apply.model.secrecy import masked

SECRETS = {
    "token": "s3cr3t+/=x",
    "short": "abc",
    "longer": "s3cr3t+/=x-and-more",
    "key": "-----BEGIN\nline two\n-----END\n",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("refused: TOKEN=s3cr3t+/=x is bad", "refused: TOKEN=(sensitive) is bad"),
        ("s3cr3t+/=xs3cr3t+/=x", "(sensitive)(sensitive)"),
        ("s3cr3t+/=x-and-more", "(sensitive)"),
        ("abc and nothing else", "abc and nothing else"),
        (urlencode({"env": "s3cr3t+/=x"}), "env=(sensitive)"),
        (f"/a/{quote('s3cr3t+/=x', safe='')}/b", "/a/(sensitive)/b"),
        ("  line two", "  (sensitive)"),
        ("-----BEGIN\nline two\n-----END\n", "(sensitive)"),
        ("", ""),
    ],
)
def test_values_are_masked_in_every_form_in_which_they_come_back(text, shown):
    assert masked(text, SECRETS) == shown


def test_a_value_with_quotes_is_masked_in_json_too():
    value = 'pa"ss\\wörd'
    for text in (json.dumps([value]), json.dumps([value], ensure_ascii=False), f"[{value}]"):
        assert "ss" not in masked(text, {"v": value}).replace("(sensitive)", "")


def test_without_secrets_nothing_changes():
    assert masked("anything", {}) == "anything"
    assert masked("anything", {"empty": ""}) == "anything"
