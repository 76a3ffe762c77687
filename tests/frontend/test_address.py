"""Every view can be linked, and the link says the same view again."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_ui.address import TABS, Address, link, read

_ID = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text and text not in (".", "..")
)
_STEP = st.none() | st.integers(min_value=0, max_value=10**12)


def _again(address: Address) -> Address:
    parts = urlsplit(link(address))
    return read(parts.path, f"?{parts.query}" if parts.query else "")


@given(run=_ID, tab=st.sampled_from(TABS), layer=st.just("") | _ID, first=_STEP, last=_STEP)
def test_a_run_page_survives_the_round_trip(
    run: str, tab: str, layer: str, first: int | None, last: int | None
) -> None:
    address = Address(page="run", run=run, tab=tab, layer=layer, first=first, last=last)

    assert _again(address) == address


@given(runs=st.lists(_ID, min_size=1, max_size=4, unique=True), first=_STEP)
def test_a_comparison_survives_the_round_trip(runs: list[str], first: int | None) -> None:
    address = Address(page="compare", runs=tuple(runs), base=runs[-1], first=first)

    assert _again(address) == address
    assert _again(address).baseline == runs[-1]


@given(query=st.text(min_size=1, max_size=40))
def test_a_query_survives_the_round_trip(query: str) -> None:
    assert _again(Address(query=query)).query == query


@given(query=st.text(max_size=9))
def test_the_archived_runs_have_an_address_of_their_own(query: str) -> None:
    assert _again(Address(query=query, archived=True)).archived
    assert not _again(Address(query=query)).archived
    assert not read("/", "?archived=perhaps").archived


@pytest.mark.parametrize("search", ["?first=-5", "?first=abc", "?last=1e9", "?tab=../../etc", "?first=&last="])
def test_what_cannot_be_read_is_left_out(search: str) -> None:
    shown = read("/runs/a", search)

    assert (shown.tab, shown.first, shown.last) == ("overview", None, None)


def test_the_first_run_is_the_baseline_unless_another_compared_one_is_named() -> None:
    assert read("/compare", "?runs=a,b").baseline == "a"
    assert read("/compare", "?runs=a,b&base=b").baseline == "b"
    assert read("/compare", "?runs=a,b&base=zzz").baseline == "a"


def test_a_path_that_leads_nowhere_is_unknown() -> None:
    assert read("/runs/a/b/c", "").page == "unknown"
    assert read("/nothing", "").page == "unknown"
