"""The state as text: what was written is read back, and what cannot be trusted is refused in one clear message."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError
from skaha_apply.model.session import Listing, Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import (
    STATE_FORMAT,
    ReplicaRecord,
    StateDocument,
)
from skaha_apply.planning.safety.account import check_account
from skaha_apply.state.codec import LineCache, decode, encode
from skaha_apply.workflow.state.binding import check_binding
from tests.counted_calls import calls_for_each_further
from tests.state.generated_documents import documents, short_documents, words


@settings(deadline=None, max_examples=3 * settings().max_examples // 2)
@given(documents)
def test_what_was_written_is_read_back(document):
    assert decode(encode(document), "x") == document


@settings(deadline=None, max_examples=3 * settings().max_examples // 5)
@given(documents, documents)
def test_remembered_lines_change_nothing(first, second):
    lines = LineCache()
    mixed = replace(first, tombstones=second.tombstones + first.tombstones)
    for document in (first, second, mixed, first):
        assert encode(document, lines) == encode(document)


@settings(deadline=None, max_examples=2 * settings().max_examples)
@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | words, st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_rubbish_gets_past_one_clear_message(data):
    with pytest.raises(StateError) as caught:
        decode(data, "here")
    assert "here" in caught.value.message
    assert caught.value.hint


@settings(deadline=None, max_examples=3 * settings().max_examples // 2)
@given(short_documents, st.data())
def test_a_cut_document_is_refused_wherever_it_is_cut(document, data):
    whole = encode(document)
    with pytest.raises(StateError):
        decode(whole[: data.draw(st.integers(0, len(whole) - 3))], "here")


@settings(deadline=None, max_examples=2 * settings().max_examples)
@given(short_documents, st.data())
def test_a_document_with_a_value_of_another_shape_is_read_or_refused_clearly(document, data):
    raw = json.loads(encode(document))
    part = raw
    while True:
        key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        if not (isinstance(part[key], dict | list) and part[key]) or data.draw(st.booleans()):
            break
        part = part[key]
    part[key] = data.draw(st.none() | st.booleans() | st.floats() | words | st.just([[]]) | st.just({"a": {}}))
    message = "here"
    try:
        assert isinstance(decode(json.dumps(raw).encode(), "here"), StateDocument)
    except StateError as error:
        message = error.message
    assert "here" in message


def test_one_replica_is_one_line_and_defaults_are_left_out(make_document):
    lines = encode(make_document(replicas=3)).decode().splitlines()
    assert [json.loads(line.rstrip(","))["replica"] for line in lines if line.startswith('{"session"')] == [1, 2, 3]
    assert "null" not in "".join(lines)
    assert lines[1].startswith('"digest": {"document": "')
    assert lines[2:4] == ['"format_version": "1.3",', '"serial": 1,']


def test_twenty_thousand_replicas_stay_a_few_megabytes(make_document):
    assert len(encode(make_document(replicas=20_000))) < 10_000_000


def tile(number, **fields):
    """One combination of a matrix of tiles, as a survey writes it: six arguments, four variables."""
    name, out = f"t{number:05d}", f"/arc/projects/survey/out/t{number:05d}"
    given = {
        "name": f"mosaic-{name}",
        "group": "mosaic-${tile}",
        "values": {"tile": name},
        "image": "images.canfar.net/skaha/astroml:24.07",
        "cmd": "python",
        "args": ("/arc/projects/survey/mosaic.py", "--tile", name, "--night", "2026-11-22", out),
        "env": {"TILE": name, "OUT": out, "BAND": "r", "MODE": "deep"},
        "file": "manifests/survey.yaml",
    }
    return SessionSpec(**given | fields)


def survey(make_document, specs):
    records = tuple(
        ReplicaRecord(
            session=spec.key,
            replica=1,
            name=spec.key,
            spec=f"spec{number:08d}",
            work=f"1:{number:032x}",
            run=f"1:{number:032x}",
            phase=Phase.DONE,
            id=f"id{number:06d}",
            accepted=1.7e9,
            seen=1.7e9,
            started=1.7e9,
            ended=1.7e9,
            logged=True,
        )
        for number, spec in enumerate(specs)
    )
    held = {f"spec{number:08d}": spec for number, spec in enumerate(specs)}
    return replace(make_document(), specs=held, replicas=records)


def test_one_spec_of_an_entry_is_stored_in_full_and_the_others_as_differences(make_document):
    longer = ("/arc/projects/survey/mosaic.py", "--all")
    specs = [
        tile(0),
        tile(1),
        tile(2, ram=64, args=longer, env={"TILE": "t00002", "MORE": "1"}, values={}),
        tile(3, cmd=None, group=""),
    ]
    document = survey(make_document, specs)
    raw = json.loads(encode(document))["specs"]
    assert raw["spec00000001"] == {
        "like": "spec00000000",
        "name": "mosaic-t00001",
        "args": {"2": "t00001", "5": "/arc/projects/survey/out/t00001"},
        "env": {"TILE": "t00001", "OUT": "/arc/projects/survey/out/t00001"},
        "values": {"tile": "t00001"},
    }
    assert raw["spec00000002"] == {
        "like": "spec00000000",
        "name": "mosaic-t00002",
        "ram": 64,
        "args": list(longer),
        "env": {"TILE": "t00002", "MORE": "1", "BAND": None, "MODE": None, "OUT": None},
        "values": {"tile": None},
    }
    assert "like" not in raw["spec00000003"]
    assert decode(encode(document), "x") == document


def test_a_combination_less_or_more_rewrites_the_lines_that_depend_on_it(make_document):
    lines, specs = LineCache(), [tile(number) for number in range(5)]
    for chosen in (specs, specs[1:], specs[1:2], specs, [*reversed(specs)]):
        document = survey(make_document, chosen)
        assert encode(document, lines) == encode(document)
        assert decode(encode(document), "x") == document


def test_twenty_thousand_combinations_stay_a_few_megabytes(make_document):
    data = encode(survey(make_document, [tile(number) for number in range(20_000)]))
    assert len(data) < 12_000_000
    assert data.index(b'"replicas"') < 5_000_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"like": "nothing"}, "specs.spec00000001.like: 'nothing' is not the key of a spec that is written in full"),
        ({"like": "spec00000001"}, "is not the key of a spec that is written in full"),
        ({"like": ["spec00000000"]}, "is not the key of a spec that is written in full"),
        ({"like": None}, "is not the key of a spec that is written in full"),
        ({"args": {"9": "x"}}, "specs.spec00000001.args: '9' is not an index of 6 arguments"),
        ({"args": {"-1": "x"}}, "'-1' is not an index"),
        ({"args": {"1": 3}}, "specs.spec00000001.args[1]: Input should be a valid string"),
        ({"args": "x"}, "specs.spec00000001.args: "),
        ({"env": ["x"]}, "specs.spec00000001.env: is not an object of names and values"),
        ({"values": 3}, "specs.spec00000001.values: is not an object of names and values"),
        ({"cores": "many"}, "specs.spec00000001.cores"),
    ],
)
def test_what_differs_in_another_shape_is_refused(make_document, change, message):
    raw = json.loads(encode(survey(make_document, [tile(0), tile(1)])))
    raw["specs"]["spec00000001"] |= change
    with pytest.raises(StateError) as caught:
        decode(json.dumps(raw).encode(), "x")
    assert "the state x is damaged" in caught.value.message
    assert message in caught.value.message


def test_later_minor_version_can_distinguish_more(make_document):
    document = survey(make_document, [tile(0), tile(1)])
    raw = json.loads(encode(document))
    raw["specs"]["spec00000000"]["mood"] = {"deep": True}
    raw["specs"]["spec00000001"]["colour"] = "red"
    assert decode(json.dumps(raw).encode(), "x") == document


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"<html><body>Sign in</body></html>", "is not JSON: its text begins with '<html>"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"format_version": "1.0", "serial": 3, "lin', "is incomplete at line 1"),
        (b'{"format_version": "1.0", serial: 3}', "is damaged at line 1, column 27"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a state"),
        (b'{"version": 4, "terraform_version": "1.5", "serial": 1}', "format_version is None"),
        (b'{"format_version": 1}', "format_version is 1"),
        (b'{"format_version": "1.' + b"9" * 5000 + b'"}', "format_version is '1.9"),
        (b'{"format_version": "' + b"9" * 5000 + b'.0"}', "format_version is '999"),
        (b'{"format_version": "0.9"}', "format 0.9"),
        (b'{"format_version": "1.0"}', "lineage: Field required"),
    ],
)
def test_a_text_that_is_not_a_state_is_described(data, message):
    with pytest.raises(StateError) as caught:
        decode(data, "a.state.json")
    assert "a.state.json" in caught.value.message
    assert message in caught.value.message
    assert caught.value.hint


def changed(document, **changes):
    return json.dumps(json.loads(encode(document)) | changes).encode()


def test_a_newer_major_version_asks_for_an_upgrade(make_document):
    with pytest.raises(StateError, match=r"a newer skaha-apply wrote the state x: format 3\.0") as caught:
        decode(changed(make_document(), format_version="3.0", replicas={"new": "shape"}), "x")
    assert caught.value.hint == "Upgrade skaha-apply."


def test_newer_minor_version_is_read_without_its_unknown_fields(make_document):
    document = make_document()
    raw = json.loads(encode(document)) | {"format_version": "1.7", "moods": [1, {"a": 2}]}
    del raw["digest"]
    raw["replicas"][1]["mood"] = {"deep": True}
    raw["specs"]["s1"]["colour"] = "red"
    read = decode(json.dumps(raw).encode(), "x")
    assert read == replace(document, format_version="1.7")
    assert decode(encode(read), "x").format_version == STATE_FORMAT


def test_a_wrong_type_names_its_place(make_document):
    raw = json.loads(encode(make_document()))
    raw["replicas"][2]["attempt"] = "many"
    raw["replicas"][2]["mood"] = "unknown keys do not hide it"
    with pytest.raises(StateError, match=r"damaged: replicas\[2\]\.attempt: Input should be a valid integer"):
        decode(json.dumps(raw).encode(), "x")


def test_a_document_that_contradicts_itself_is_neither_read_nor_written(make_document):
    document = make_document()
    twice = replace(document, replicas=document.replicas + document.replicas[:1])
    dangling = replace(document, specs={})
    for broken, message in ((twice, "reduce/1 twice"), (dangling, "has no spec 's1'")):
        with pytest.raises(StateError, match=message):
            encode(broken)
    raw = json.loads(encode(document))
    with pytest.raises(StateError, match="has no spec"):
        decode(json.dumps(raw | {"specs": {}}).encode(), "x")


def test_another_project_server_or_account_names_both(make_document):
    document = make_document(account="anna")
    check_binding(document, "survey", document.server)
    check_account(document, Listing((), 0.0, 0.0, "anna"), None)
    check_account(make_document(), Listing((), 0.0, 0.0, "bob"), None)
    for check, arguments, words_, hint in (
        (check_binding, ("other", document.server), ("'survey'", "'other'"), "state mv survey other"),
        (check_binding, ("survey", "example.org/skaha"), (document.server, "example.org/skaha"), "state rebind"),
        (check_account, (Listing((), 0.0, 0.0, "bob"), None), ("'anna'", "'bob'"), "--state"),
    ):
        with pytest.raises(StateError) as caught:
            check(document, *arguments)
        assert all(word in caught.value.message for word in words_)
        assert hint in caught.value.hint


def test_times_in_other_zones_are_the_same_moment(make_document):
    raw = json.loads(encode(make_document(replicas=1)))
    raw["replicas"][0]["accepted"] = "2023-11-14T23:13:20.125+01:00"
    assert decode(json.dumps(raw).encode(), "x").replicas[0].accepted == 1_700_000_000.125
    assert time.gmtime(1_700_000_000)[:4] == (2023, 11, 14, 22)


@given(short_documents, st.data())
@settings(max_examples=3 * settings().max_examples // 2, deadline=None)
def test_a_changed_byte_never_gives_another_state(document, data):
    text = encode(document)
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = text[:place] + bytes([byte]) + text[place + 1 :]
    try:
        read = decode(changed, "s.json")
    except StateError:
        return
    assert read == decode(text, "s.json")


def test_no_changed_letter_of_a_state_gives_another_state(make_document):
    text = encode(make_document(replicas=1))
    expected, refused = decode(text, "s.json"), 0
    for place, byte in enumerate(text):
        for other in {byte ^ 1, byte ^ 4, byte ^ 16, ord("1"), ord(" ")} - {byte}:
            try:
                assert decode(text[:place] + bytes([other]) + text[place + 1 :], "s.json") == expected
            except StateError:
                refused += 1
    assert refused > len(text)


def test_a_change_names_the_part_and_the_way_out(make_document):
    text = encode(make_document())
    edited = text.replace(b'"phase":"running"', b'"phase":"held"')
    assert edited != text
    with pytest.raises(StateError, match=r"the state s\.json was changed after it was written: in replicas") as raised:
        decode(edited, "s.json")
    assert 'remove its line "digest"' in raised.value.hint
    head, _, rest = edited.partition(b',\n"format_version"')
    assert head.startswith(b'{\n"digest": ')
    assert decode(b'{\n"format_version"' + rest, "s.json").replicas[0].phase is Phase.HELD


def test_a_state_that_a_store_laid_out_in_another_way_is_read(make_document):
    document = make_document()
    text = encode(document)
    for indent in (None, 2):
        assert decode(json.dumps(json.loads(text), indent=indent).encode(), "s.json") == decode(text, "s.json")


def test_a_state_without_a_digest_is_read(make_document):
    raw = json.loads(encode(make_document()))
    del raw["digest"]
    assert decode(json.dumps(raw).encode(), "s.json") == decode(encode(make_document()), "s.json")


@pytest.mark.parametrize("time", [253402300800, 1e18, -1e18, float("nan"), float("inf"), "9999-12-31T23:59:59-01:00"])
def test_a_time_beyond_the_calendar_is_refused(make_document, time):
    raw = json.loads(encode(make_document()))
    del raw["digest"]
    raw["written"] = time
    with pytest.raises(StateError, match=r"damaged: (written|a time)"):
        decode(json.dumps(raw).encode(), "s.json")


def test_a_time_that_many_records_share_is_read_once():
    """One more record with three times takes 5 function calls, and 11 if each time is read again."""

    def text(count):
        about = {"session": "tile", "spec": "s", "work": "1:a", "run": "1:b", "phase": Phase.RUNNING}
        at = {"accepted": 100.0, "seen": 200.5, "started": 150.0}
        records = tuple(ReplicaRecord(**about, **at, replica=n, name=f"tile-{n}", id=f"i{n}") for n in range(count))
        specs = {"s": SessionSpec(name="tile", image="i", replicas=count)}
        return encode(StateDocument(lineage="l", project="p", server="x", specs=specs, replicas=records))

    texts = {count: text(count) for count in (100, 200)}
    calls = calls_for_each_further(lambda count: decode(texts[count], "x"))
    assert calls["model"] <= 5


def test_another_layout_is_read_also_if_two_combinations_have_their_variables_in_another_order(make_document):
    document = make_document(replicas=2)
    (spec,) = document.specs.values()
    shared = {"group": "reduce-${a}", "replicas": 1}
    first = spec.model_copy(update=shared | {"env": {"A": "1", "B": "x"}, "values": {"a": "1", "b": "x"}})
    second = spec.model_copy(update=shared | {"env": {"B": "y", "A": "2"}, "values": {"b": "y", "a": "2"}})
    records = (document.replicas[0], replace(document.replicas[1], spec="s2"))
    document = replace(document, specs={"s1": first, "s2": second}, replicas=records)
    data = encode(document)
    assert decode(data, "x") == decode(json.dumps(json.loads(data)).encode(), "x") == document
    assert encode(decode(data, "x")) == data
