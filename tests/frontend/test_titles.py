"""What series are called."""

import pytest

from ergoscope_contract.catalogue import ALL
from ergoscope_ui.titles import axis, heading, title


@pytest.mark.parametrize("quantity", ALL)
def test_every_quantity_has_a_title_that_keeps_its_capitals_and_an_axis(quantity: str) -> None:
    assert heading(quantity)[1:] == title(quantity)[1:] == ALL[quantity].name[1:]
    assert axis(quantity).startswith(ALL[quantity].symbol)


def test_a_series_of_the_job_is_called_what_the_job_calls_it() -> None:
    assert (heading("val/acc"), axis("val/acc")) == ("val/acc", "")
