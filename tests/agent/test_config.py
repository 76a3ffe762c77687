"""A configuration is what JSON can carry."""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ergoscope.config import Config, as_config


@dataclass
class Options:
    lr: float = 0.1
    sizes: tuple[int, ...] = (1, 2)


def test_mappings_dataclasses_and_namespaces_are_configurations() -> None:
    assert as_config({"lr": 0.1}) == {"lr": 0.1}
    assert as_config(Options()) == {"lr": 0.1, "sizes": [1, 2]}
    assert as_config(argparse.Namespace(lr=0.1)) == {"lr": 0.1}
    assert as_config(None) == {}


def test_anything_else_is_refused_with_what_was_seen() -> None:
    with pytest.raises(TypeError, match=r"config is \[1\]; it must be a dictionary, a dataclass or a namespace"):
        as_config([1])


def test_what_json_cannot_say_becomes_text() -> None:
    given = {1: math.nan, "big": 1 << 80, "path": Path("a"), "np": np.float32(0.5), "type": Path, "deep": {"x": {1}}}

    config = as_config(given)

    assert json.loads(json.dumps(config, allow_nan=False)) == config
    assert config["1"] == "NaN"
    assert config["np"] == 0.5
    assert config["deep"] == {"x": [1]}


def test_a_configuration_that_holds_itself_ends() -> None:
    loop: dict[str, object] = {}
    loop["self"] = loop

    json.dumps(as_config(loop))


def test_each_change_is_told_once() -> None:
    told: list[int] = []
    config = Config({}, changed=lambda: told.append(1))

    config["a"] = 1
    config.update({"b": 2, "c": 3}, d=4)
    config.update(Options())
    del config["a"]

    assert len(told) == 4
    assert config.as_dict() == {"b": 2, "c": 3, "d": 4, "lr": 0.1, "sizes": [1, 2]}
    assert (len(config), list(config), config["b"]) == (5, ["b", "c", "d", "lr", "sizes"], 2)
    assert repr(config).startswith("Config({'b': 2")
