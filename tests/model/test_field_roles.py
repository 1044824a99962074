"""A field of a session that is declared once reaches request, digest, diff, canary and state."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

import pytest

from skaha_apply.manifest.fields.session_fields import SESSION_FIELDS
from skaha_apply.model.project import Project
from skaha_apply.model.spec import Decides, Parameter, SessionSpec, field_roles, names_by_role
from skaha_apply.planning.diff import changes, same_resources, same_work
from skaha_apply.planning.digest import spec_key
from skaha_apply.planning.replicas import create_request, expand
from skaha_apply.skaha.requests import create_parameters
from skaha_apply.state.values.reader import reader
from skaha_apply.state.values.writer import line

IMAGE = "images.canfar.net/skaha/astroml:24.07"
Texts = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Extended(SessionSpec):
    """A session spec with three fields more, one for each role."""

    scratch: Annotated[int | None, Decides.RESOURCES, Parameter("scratch")] = None
    mounts: Annotated[Texts, Decides.WORK, Parameter("mount", headless_only=True)] = field(default_factory=dict)
    label: Annotated[str, Decides.NOTHING, Parameter("label")] = ""


def desired(spec):
    (replica,) = expand(Project("survey", (spec,)))
    return replica


def session(spec_type=Extended, kind="headless", **fields):
    return spec_type(name="reduce", image=IMAGE, kind=kind, **fields)


def digests(spec):
    replica = desired(spec)
    return replica.work, replica.run


def test_a_new_field_with_its_default_changes_no_digest_and_no_request():
    before, after = session(SessionSpec), session()
    assert digests(before) == digests(after)
    assert create_parameters(create_request(desired(before), "p", 1))[:3] == [
        ("name", "reduce"),
        ("image", IMAGE),
        ("type", "headless"),
    ]
    names = {name for name, _ in create_parameters(create_request(desired(after), "p", 1))}
    assert names == {"name", "image", "type", "env", "label"}


def test_a_new_field_reaches_the_request_under_the_name_of_its_parameter():
    spec = session(scratch=100, mounts={"A": "/a", "B": "/b"}, label="night")
    sent = create_parameters(create_request(desired(spec), "p", 1))
    assert [pair for pair in sent if pair[0] in ("scratch", "mount", "label")] == [
        ("scratch", "100"),
        ("mount", "A=/a"),
        ("mount", "B=/b"),
        ("label", "night"),
    ]
    desk = session(kind="notebook", scratch=100, mounts={"A": "/a"}, label="night")
    assert "mount" not in dict(create_parameters(create_request(desired(desk), "p", 1)))


def test_a_new_field_reaches_the_digest_that_it_decides():
    work, run = digests(session())
    more_work, run_of_more_work = digests(session(mounts={"A": "/a"}))
    assert more_work != work
    assert run_of_more_work != run
    same, run_of_more_scratch = digests(session(scratch=100))
    assert same == work
    assert run_of_more_scratch != run
    assert digests(session(label="night")) == (work, run)


def test_a_new_field_is_shown_in_a_diff_with_those_of_its_role():
    before, after = session(), session(scratch=100, mounts={"A": "/a"}, label="night", cores=2)
    paths = [(change.path, change.after) for change in changes(before, after)]
    assert paths == [("mounts.A", "/a"), ("cores", 2), ("scratch", 100)]
    assert not same_work(before, after)
    assert not same_resources(before, after)


def test_a_new_resource_makes_another_canary():
    assert session(scratch=100).shape != session().shape
    assert session(mounts={"A": "/a"}).shape == session().shape


def test_a_new_field_is_in_the_state():
    spec = session(scratch=100)
    assert reader(Extended)(json.loads(line(spec))) == spec
    assert spec_key(spec) != spec_key(session())


def test_a_field_without_a_role_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Undeclared(SessionSpec):
        scratch: int | None = None

    with pytest.raises(TypeError, match=r"Undeclared\.scratch does not declare what it decides"):
        field_roles(Undeclared)


def test_each_field_of_a_spec_is_a_key_of_the_manifest_or_made_by_the_loader():
    keys = {key.name for key in SESSION_FIELDS}
    assert keys - set(field_roles(SessionSpec)) == {"matrix"}
    assert set(field_roles(SessionSpec)) - keys == {"require", "group", "values", "file"}
    assert names_by_role(SessionSpec, Decides.RESOURCES) == ("cores", "ram", "gpus")
