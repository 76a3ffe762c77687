"""Numbers as people read them."""

import math

import pytest

from ergoscope_server.indicators.numerals import count, plain, with_error


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.39412, 0.00213, "0.3941 ± 0.0021"),
        (2.302, 0.1, "2.30 ± 0.10"),
        (0.5, 0.0996, "0.50 ± 0.10"),
        (1.0, 12.3, "1 ± 12"),
        (15_312, 1234, "15,300 ± 1,200"),
        (-0.01, 0.00099, "-0.01000 ± 0.00099"),
        (1e-5, 3e-7, "(1.000 ± 0.030)e-5"),
        (0.3, 0.0, "0.3"),
        (math.nan, 0.1, "NaN"),
    ],
)
def test_an_error_has_two_digits_and_the_value_as_many_places(value: float, half: float, text: str) -> None:
    assert with_error(value, half) == text


def test_the_unit_follows_the_error() -> None:
    assert with_error(31.24, 2.3, unit=" %") == "31.2 ± 2.3 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (0.09999, "0.1"),
        (12_345.6, "12,300"),
        (1e-7, "1e-7"),
        (1.5e9, "1.5e9"),
        (0.0, "0"),
        (-math.inf, "-infinity"),
    ],
)
def test_plain_numbers_have_three_digits_and_no_trailing_zeros(value: float, text: str) -> None:
    assert plain(value) == text


def test_counts_have_commas() -> None:
    assert count(15_100.4) == "15,100"
