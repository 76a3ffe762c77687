"""How numbers, ages and names are written."""

import math

import pytest

from ergoscope_contract.answers import Flag, State
from ergoscope_ui import words


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.39421, 0.00213, "0.3942 ± 0.0021"),
        (204.2, 3.14, "204.2 ± 3.1"),
        (1234.5, 260.0, "1,230 ± 260"),
        (0.99999, 0.0996, "1.00 ± 0.10"),
        (1.2e-8, 3.4e-9, "1.2e-8 ± 3.4e-9"),
        (0.31, 0.0, "0.31"),
        (0.31, None, "0.31"),
    ],
)
def test_errors_have_two_digits_and_the_value_is_cut_to_match(value: float, half: float | None, text: str) -> None:
    assert words.with_error(value, half) == text


def test_a_rounding_error_does_not_change_the_digits_of_the_error() -> None:
    assert words.with_error(5.0, 0.00999) == "5.000 ± 0.010"
    assert words.with_error(0.14512, 3.6e-7) == "0.145 ± 3.6e-7"  # of no account beside it


def test_what_is_not_finite_is_said_as_it_is() -> None:
    assert [words.number(v) for v in (math.nan, math.inf, -math.inf, None, 0.0)] == ["NaN", "∞", "−∞", "–", "0"]


def test_small_and_large_numbers_have_short_exponents() -> None:
    assert [words.number(v) for v in (3e-4, 1e-3, 0.0123, 123456.0, 5e9)] == [
        "3e-4",
        "1e-3",
        "0.0123",
        "123,456",
        "5e9",
    ]


def test_ages_count_up_in_one_unit() -> None:
    ages = [words.age(s) for s in (-3, 0.42, 9.96, 59.9, 60, 3599, 3600, 86_399, 86_400, 172_800)]

    assert ages == [
        "0.0 s ago",
        "0.4 s ago",
        "9 s ago",
        "59 s ago",
        "1 min ago",
        "59 min ago",
        "1 h ago",
        "23 h ago",
        "yesterday",
        "2 days ago",
    ]


def test_every_state_and_flag_has_a_word_and_a_colour() -> None:
    for name in (*State.__args__, *Flag.__args__):  # type: ignore[attr-defined]  # a Literal's values
        assert words.STATES[name]
        assert words.state_role(name)


def test_long_names_lose_their_middle() -> None:
    assert words.clip("blocks.0.attention.query.weight", 20) == "0…query.weight"
    assert words.clip("encoder.layer.11.output.LayerNorm.weight", 26) == "11…output.LayerNorm.weight"
    assert words.clip("encoder.layer.1.attention.self.key.bias", 26) == "…1.attention.self.key.bias"
    assert words.clip("model.backbone.stem.weight", 20) == "…stem.weight"
    assert words.clip("bert.embeddings.position_embeddings.weight", 26) == "…osition_embeddings.weight"
    assert len(words.clip("x" * 80, 26)) == 26


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 µs"), (9.94e-5, "99 µs"), (9.96e-5, "0.1 ms"), (0.9949, "995 ms"), (0.9951, "1 s"), (250.0, "250 s")],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text
