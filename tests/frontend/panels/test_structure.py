"""What is said of the tail of a layer's spectrum."""

from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.panels.structure import BESIDE, tail_words
from tests.frontend.text import text_of

VALUES = {"": 3.325, "_error": 0.27, "_distance": 0.1325, "_tail": 69.0, "_null": 6.0123}


def curves(**changed: float | None) -> dict[str, Curve]:
    found = {f"spectral_alpha{what}/head.weight": value for what, value in {**VALUES, **changed}.items()}
    return {key: from_points("r", key, [256, 512], [1.0, value]) for key, value in found.items() if value is not None}


def test_the_exponent_stands_beside_its_error_its_fit_and_random_weights() -> None:
    words = text_of(tail_words(curves(), "head.weight"))

    assert "α = 3.33 ± 0.27" in words or "α = 3.32 ± 0.27" in words
    assert "over 69 values" in words
    assert "misfit 0.133" in words or "misfit 0.132" in words
    assert "random weights of this shape read 6.01" in " ".join(words.split())
    assert words.endswith("At step 512.")


def test_without_any_of_these_nothing_is_said() -> None:
    for what in ("", "_distance", "_tail", "_null"):
        assert tail_words(curves(**{what: None}), "head.weight") == []
    assert tail_words(curves(), "another.weight") == []


def test_what_stands_beside_it_are_the_other_numbers_of_the_fit() -> None:
    assert {f"{name}/head.weight" for name in BESIDE} == curves().keys() - {"spectral_alpha/head.weight"}
