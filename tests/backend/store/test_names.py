"""Names and patterns."""

from ergoscope_server.store.names import choose


def test_only_the_star_is_special() -> None:
    names = {"layers[0].weight", "layers0xweight", "a.b", "axb"}

    assert choose(names, ["layers[0]*"]) == ["layers[0].weight"]
    assert choose(names, ["a.*"]) == ["a.b"]


def test_a_name_asked_twice_is_given_once() -> None:
    assert choose({"loss"}, ["loss", "*", "loss"]) == ["loss"]
