"""Lets the tests of this folder import its modules, and makes the surveys that several of them need."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from surveys import data_of, survey

from skaha_apply.render.page.page import page_html


@pytest.fixture(scope="session")
def tiles():
    """A survey of 600 tiles."""
    return survey(600)


@pytest.fixture(scope="session")
def large_page():
    """The page of 20,000 replicas."""
    return page_html(data_of(survey(18_175)))
