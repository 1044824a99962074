"""Digests, expansion and the fields that are shown to differ."""

from __future__ import annotations

import hashlib

import pytest
from scene import IMAGE, desktop, project, replica, spec

from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.model.spec import SessionSpec
from skaha_apply.planning.diff import changes
from skaha_apply.planning.digest import VERSION, canonical, same_version, spec_key
from skaha_apply.planning.replicas import create_request, expand, run_tag
from tests.counted_calls import calls_for_each_further


def digests(wanted, number=1, run_numbers=None):
    one = replica(wanted, number, run_numbers=run_numbers)
    return one.work, one.run


@pytest.mark.parametrize(
    "changed",
    [{"image": "x/y:1"}, {"cmd": "bash"}, {"args": ("b",)}, {"env": {"A": "b"}}, {"replicas": 2}, {"cmd": None}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_decides_the_result_is_in_both_digests(changed):
    before, after = digests(spec()), digests(spec(**changed))
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("changed", [{"cores": 4}, {"ram": 16}, {"gpus": 1}, {"ram": None}])
def test_resources_are_in_the_run_digest_alone(changed):
    before, after = digests(spec()), digests(spec(**changed))
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_digests_of_known_specs_never_change_within_a_version():
    one = replica(spec("tile", replicas=2, env={"B": "1", "A": "2"}), 2)
    assert (one.work, one.run, run_tag(one)) == (
        "1:efb1b6ab7f7eccfe8a1648e71d1e6c9c",
        "1:da7a44995e1a573a864940c8d49f3e2a",
        "20bf745de5a8",
    )


# Digests as the first released recipe made them: of the first replica, and of the last one with its resources.
KNOWN = {
    "plain": (
        "1:26201bc48a4c0c86d818a86e6d2c8fec",
        "1:26201bc48a4c0c86d818a86e6d2c8fec",
        "1:07a1c71e423c95b15837159a7c8ed94d",
    ),
    "numbers": (
        "1:beb89e62d08fd35e53c7b351ae143f82",
        "1:13f29f5c2b208769d5f0cb98481251c7",
        "1:ce6d36e4bae0eea37f837afb7e9fb8bd",
    ),
    "texts": (
        "1:a07a3709720f37aaaaaa936b30642a5c",
        "1:a07a3709720f37aaaaaa936b30642a5c",
        "1:19ec0bf6a71ee2e6d2c0c42bd110e0e3",
    ),
    "desktop": (
        "1:9d99c34c6d5cc73e36bc85e60db32344",
        "1:c1b4f6a404bd76c6f09b47c1574cd91c",
        "1:c19062b9103eeff6c3955868cb4743ab",
    ),
    "needs": (
        "1:743d8c868d7eb043b75ce2ad9aadbf60",
        "1:4608ad3ba71de35833ffd753a95cb533",
        "1:e368572cf6e67660a8e38dfb7d7e1c45",
    ),
    "matrix": (
        "1:adf34b4b6ecc5cfec21fe559a357ecb9",
        "1:391c7b43d9ec3e5ece4dc177e9e432f1",
        "1:8fc2938cc2eadd1e623bf842dbb4b46f",
    ),
}
TEXTS = {"args": ("é", '"', "\\", "\u2028", "1.0"), "env": {"Z": "ü", "A": "${replica.id}", "a": ""}}
SPECS = {
    "plain": [{"name": "a"}],
    "numbers": [{"name": "a", "cores": 2.0, "ram": 0.5, "gpus": 1, "replicas": 2}],
    "texts": [{"name": "a", "cmd": "run", "ram": 8.0, **TEXTS}],
    "desktop": [{"name": "a", "kind": "desktop", "replicas": 3, "cmd": "x"}],
    "needs": [
        {"name": "a", "replicas": 3},
        {"name": "b", "needs": ("a",)},
        {"name": "c", "needs": ("b", "a"), "replicas": 12},
    ],
    "matrix": [
        {"name": "m-1", "group": "m-${t}", "values": {"t": "1"}, "args": ("1",)},
        {"name": "m-2", "group": "m-${t}", "values": {"t": "2"}, "args": ("2",)},
        {"name": "d", "needs": ("m-${t}",)},
    ],
}


@pytest.mark.parametrize("case", SPECS)
def test_digests_of_earlier_versions_stay(case):
    specs = (SessionSpec(image=IMAGE, **fields) for fields in SPECS[case])
    first, *_, last = expand(project(*specs), {("a", 1): 2}) * 2
    assert (first.work, last.work, last.run) == KNOWN[case]


@pytest.mark.parametrize("replicas", [1, 500])
def test_the_text_of_a_spec_is_hashed_once_for_all_its_replicas_and_its_resources_once_for_all_specs(
    monkeypatch, replicas
):
    """Each call of the constructor of `hashlib` hashes a text from its beginning. Replicas copy what is hashed."""
    calls = []
    make = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda *text: calls.append(text) or make(*text))
    specs = [spec(f"s{number}", replicas=replicas, cores=100_000 + replicas) for number in range(3)]
    assert len(expand(project(*specs))) == 3 * replicas
    assert len(calls) == 3 + 1


def test_each_replica_has_its_own_digest_and_all_share_the_run_tag():
    found = expand(project(spec(replicas=3)))
    assert len({one.work for one in found}) == 3
    assert len({run_tag(one) for one in found}) == 1
    assert [one.name for one in found] == ["reduce-1", "reduce-2", "reduce-3"]


def test_run_tag_differs_after_a_rerun_or_a_change_of_the_work_and_not_for_more_ram():
    tags = [
        run_tag(replica(spec())),
        run_tag(replica(spec(), run_numbers={("reduce", 1): 1})),
        run_tag(replica(spec(args=("b",)))),
    ]
    assert len(set(tags)) == 3
    assert run_tag(replica(spec(ram=64))) == tags[0]


def test_canonical_text_does_not_depend_on_order_of_keys_or_kind_of_number():
    assert canonical({"b": 8.0, "a": ["é", 0.5]}) == '{"a":["é",0.5],"b":8}'
    assert digests(spec(env={"A": "1", "B": "2"})) == digests(spec(env={"B": "2", "A": "1"}))


def test_versions_are_compared_before_digests():
    assert same_version(digests(spec())[0], f"{VERSION}:x")
    assert not same_version("0:x", "1:x")
    assert spec_key(spec()) != spec_key(spec(protect=True))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (spec(args=("a", "r")), spec(args=("a", "g")), [("args[1]", "r", "g")]),
        (
            spec(args=tuple("abcdefghijk")),
            spec(args=tuple("abXdefghijY")),
            [("args[2]", "c", "X"), ("args[10]", "k", "Y")],
        ),
        (spec(args=("a",)), spec(args=("a", "b")), [("args[1]", None, "b")]),
        (spec(env={"A": "1"}), spec(env={"B": "1"}), [("env.A", "1", None), ("env.B", None, "1")]),
        (spec(cores=None), spec(), [("cores", None, 2)]),
        (spec(cmd=None), spec(), [("cmd", None, "python")]),
        (spec(), spec(image="x/y:1", ram=64), [("image", IMAGE, "x/y:1"), ("ram", 8, 64)]),
        (spec(), desktop("reduce", cmd="python", args=("run.py",)), [("kind", "headless", "notebook")]),
        (spec(), spec("REDUCE", protect=True, file="x.yaml"), []),
        (spec(cores=2), spec(cores=2.0), []),
    ],
)
def test_changes_are_named_by_the_keys_of_the_manifest(before, after, expected):
    assert [(one.path, one.before, one.after) for one in changes(before, after)] == expected


def test_request_has_the_environment_by_which_a_replica_finds_its_share():
    one = replica(spec("Tile", replicas=3, env={"BAND": "r"}), 2)
    request = create_request(one, "survey", 4)
    assert request.spec.env == {
        "BAND": "r",
        "REPLICA_ID": "2",
        "REPLICA_COUNT": "3",
        "SKAHA_APPLY_PROJECT": "survey",
        "SKAHA_APPLY_RUN": run_tag(one),
        "SKAHA_APPLY_ATTEMPT": "4",
    }
    sent = request.spec
    assert (sent.name, sent.cmd, sent.args, sent.ram) == ("tile-2", "python", ("run.py",), 8)


def test_request_of_an_interactive_session_has_nothing_that_is_ignored():
    request = create_request(replica(desktop(cmd="x", args=("y",), env={"A": "b"})), "survey", 1)
    sent = request.spec
    assert (sent.cmd, sent.args, sent.env, sent.name) == (None, (), {}, "desk")


def test_long_chain_of_needs_is_expanded_in_the_order_of_the_manifest():
    names = [f"s{number}" for number in range(2000)]
    specs = [spec(name, needs=(names[index + 1],) if index < 1999 else ()) for index, name in enumerate(names)]
    assert [one.name for one in expand(project(*specs))] == names


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([spec("a", needs=("b",)), spec("b", needs=("a",))], "needs run in a circle: a -> b -> a"),
        ([spec("a", needs=("A",))], "needs run in a circle: a -> a"),
        ([spec("a", needs=("nobody",))], "session 'a' needs 'nobody', which is not in the manifest"),
    ],
)
def test_needs_that_lead_nowhere_are_one_clear_error(specs, message):
    with pytest.raises(SkahaApplyError) as error:
        expand(project(*specs))
    assert str(error.value) == message


def test_the_texts_that_combinations_share_are_encoded_once():
    """One more combination takes 14 function calls, and 44 if each spec encodes all its values."""

    def specs(count):
        shared = {"image": IMAGE, "cmd": "python", "env": {"BAND": "r"}, "group": "tile-${tile}"}
        return [SessionSpec.unchecked({**shared, "name": f"tile-{n}", "args": (f"{n}",)}) for n in range(count)]

    projects = {count: project(*specs(count)) for count in (100, 200)}
    assert calls_for_each_further(lambda count: expand(projects[count]))["planning"] <= 15
