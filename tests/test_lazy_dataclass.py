"""The lazy decorator makes the classes that the standard one makes, and compiles no method before it is called."""

from __future__ import annotations

import copy
import dataclasses
import dis
import pickle
from dataclasses import field, replace

import pytest

from skaha_apply import lazy_dataclass
from skaha_apply.lazy_dataclass import dataclass

FLAGS = ("frozen", "slots", "order", "kw_only")


def declared(decorate, **flags):
    """A class and one that extends it, with each kind of field."""

    @decorate(**flags)
    class First:
        """Two fields."""

        name: str
        items: list[int] = field(default_factory=list)

    @decorate(**flags)
    class Second(First):
        """One more, one that is not compared, and one that no caller gives."""

        count: int = 3
        note: str = field(default="", compare=False, repr=False)
        made: int = field(default=7, init=False)

        def __post_init__(self):
            self.items.append(1)

    return First, Second


def outcome(call):
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - an error is an outcome
        return type(error), str(error)


def behavior(decorate, **flags):
    """What instances of both classes do, as values that can be compared."""
    first, second = declared(decorate, **flags)
    one, same, other = second(name="a"), second(name="a", note="n"), second(name="b", count=4)
    yield [repr(each) for each in (first(name="a", items=[2]), one, same, other)]
    yield one == same, one != other, first(name="a") == one, one == "a", one.__eq__("a")
    yield (
        outcome(lambda: hash(one) == hash(same)),
        outcome(lambda: one < other),
        outcome(lambda: one >= first(name="a")),
    )
    yield outcome(lambda: first("a", [1]).items), outcome(first), outcome(lambda: second(name="a", typo=1))
    yield outcome(lambda: setattr(one, "count", 5)), outcome(lambda: delattr(same, "note"))
    yield repr(replace(other, name="c")), dataclasses.asdict(one), [each.name for each in dataclasses.fields(second)]
    change = lazy_dataclass.replace if decorate is dataclass else replace
    plain = first(name="a", items=[2])
    yield repr(change(plain, name="c")), repr(change(other, count=5)), repr(plain), type(change(plain)) is first
    yield outcome(lambda: change(plain, typo=1))[0], outcome(lambda: change(one, made=1))[0]
    yield repr(copy.copy(one)), repr(copy.deepcopy(one)), hasattr(one, "__dict__"), second.__match_args__
    yield first.__doc__, first.__hash__ is None, getattr(second, "count", None) if "slots" not in flags else None


@pytest.mark.parametrize("number", range(2 ** len(FLAGS)))
def test_a_class_behaves_as_that_of_the_standard_decorator(number):
    flags = {name: True for index, name in enumerate(FLAGS) if number >> index & 1}
    assert list(behavior(dataclass, **flags)) == list(behavior(dataclasses.dataclass, **flags))


def test_methods_of_the_class_itself_stay():
    for decorate in (dataclass, dataclasses.dataclass):

        @decorate
        class Own:
            """Its repr and its hash are its own."""

            name: str

            def __repr__(self):
                return "own"

            def __hash__(self):
                return 5

        assert (repr(Own("a")), hash(Own("a")), Own("a") == Own("a")) == ("own", 5, True)

    @dataclass(eq=False)
    class Same:
        """Compared by identity."""

        name: str

    one = Same("a")
    assert one != Same("a")
    assert hash(one) == object.__hash__(one)


@dataclass(frozen=True, slots=True)
class Pickled:
    """A class that pickle finds."""

    name: str


def test_a_frozen_value_with_slots_can_be_pickled():
    assert pickle.loads(pickle.dumps(Pickled("a"))) == Pickled("a")


def test_no_method_is_compiled_before_it_is_called():
    @dataclass(frozen=True)
    class Value:
        """A value."""

        name: str

    names = ("__init__", "__repr__", "__eq__", "__hash__")

    def compiled():
        return [name for name in names if vars(Value)[name].__code__.co_filename == "<string>"]

    assert compiled() == []
    value = Value("a")
    assert compiled() == ["__init__"]
    assert value == Value("a")
    assert compiled() == ["__init__", "__eq__"]


def test_a_frozen_value_with_slots_takes_no_call_for_each_field():
    @dataclass(frozen=True, slots=True)
    class Value:
        """A value."""

        name: str
        count: int = 1
        items: tuple[int, ...] = ()

    value = Value("a", count=2)
    assert type(value) is Value
    calls = [each for each in dis.get_instructions(Value.__init__) if each.opname == "CALL"]
    assert len(calls) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.name = "b"
    assert value == Value("a", 2)


def test_a_frozen_value_with_slots_is_copied_without_a_call_for_each_field():
    @dataclass(frozen=True, slots=True)
    class Value:
        """A value with a property."""

        name: str
        count: int = 1

        @property
        def key(self):
            return (self.name, self.count)

    value = Value("a", count=2)
    assert lazy_dataclass.replace(value, name="b").key == ("b", 2)
    calls = [each for each in dis.get_instructions(Value.__replace__) if each.opname == "CALL"]
    assert len(calls) == 2
    for name in ("key", "other"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            lazy_dataclass.replace(value, **{name: 1})


def test_a_value_of_the_standard_decorator_is_replaced_too():
    @dataclasses.dataclass(frozen=True)
    class Value:
        """A value."""

        name: str

    assert lazy_dataclass.replace(Value("a"), name="b") == Value("b")


def test_an_open_class_assigns_as_any_class_does():
    """A class that inherits `__setattr__` or `__delattr__` from Python code assigns five times as slowly."""

    @dataclass(frozen=True, slots=True)
    class First:
        """A frozen class."""

        name: str

    @dataclass(frozen=True, slots=True)
    class Second(First):
        """A frozen class that inherits the methods of a frozen class."""

        count: int

    for kind in (First, Second):
        opened = lazy_dataclass.open_class(kind)
        assert opened.__setattr__ is object.__setattr__
        assert opened.__delattr__ is object.__delattr__
