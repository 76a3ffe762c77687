"""What JSON cannot say is spelled out and read back."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_contract.errors import ShapeError
from ergoscope_contract.jsonable import DEPTH, LENGTH, plain_object, spell, spell_all, unspell

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.floats())
def test_every_float_comes_back(value: float) -> None:
    spelled = json.loads(json.dumps(spell(value), allow_nan=False))

    back = unspell(spelled)

    assert back == value or (math.isnan(back) and math.isnan(value))


def test_each_value_of_a_list_is_spelled() -> None:
    assert spell_all([0.5, math.nan, math.inf, -math.inf]) == [0.5, "NaN", "Infinity", "-Infinity"]


@pytest.mark.parametrize("text", ["nan", "1.5", "", "infinity"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ShapeError, match=f"{text!r} is not a number; allowed: numbers, 'NaN', 'Infinity', '-Infinity'"):
        unspell(text)


@given(st.dictionaries(st.text(), ANYTHING, max_size=3))
def test_any_config_becomes_something_json_can_carry(given_config: dict[str, object]) -> None:
    carried = json.dumps(plain_object(given_config), allow_nan=False)

    assert plain_object(json.loads(carried)) == json.loads(carried)


def test_ordinary_configs_stay_as_they_are() -> None:
    config = {"lr": 0.1, "layers": [1, 2], "nested": {"a": None, "b": True}, "name": "run"}

    assert plain_object(config) == config


def test_long_and_deep_things_are_cut() -> None:
    deep: object = 0
    for _ in range(1000):
        deep = {"in": deep}

    carried = plain_object({"object": b"x" * 1000, "deep": deep})

    assert len(str(carried["object"])) == LENGTH
    assert str(carried).count("in") == DEPTH
    assert "..." in str(carried)
