"""What is copied of what a model is given, and what is refused."""

from collections import OrderedDict, namedtuple
from typing import cast

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from ergoscope.curvature.given import in_own_containers


def test_containers_are_copied_and_what_they_hold_is_not() -> None:
    a, b = torch.ones(1), torch.ones(2)
    given = (a, {"b": [b, 1, "text", None, True]}, a.shape, torch.float32, slice(1))

    own = in_own_containers(given)
    own[1]["b"].append(2)

    assert own[0] is a
    assert own[1]["b"][0] is b
    assert own[2:] == given[2:]
    assert len(given[1]["b"]) == 5


def test_tuples_in_which_nothing_is_copied_stay_and_named_ones_stay_named() -> None:
    pair = namedtuple("pair", "one other")
    plain, packed, kept = (torch.ones(1), 2), pack_sequence([torch.ones(2, 3)]), pair(1, [2])

    own = in_own_containers((plain, packed, kept))

    assert own[0] is plain
    assert isinstance(own[1], PackedSequence)
    assert isinstance(own[2], pair)
    assert own[2] == kept
    assert own[2].other is not kept.other


def test_what_is_there_twice_is_there_twice_in_the_copy_and_may_hold_itself() -> None:
    shared = [1]
    ring: list[object] = [shared, shared]
    ring.append(ring)

    own = in_own_containers(ring)

    assert own[0] is own[1]
    assert own[0] is not shared
    assert own[2] is own


def test_what_might_change_unseen_is_refused() -> None:
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    with torch.inference_mode():
        unversioned = torch.ones(1)

    for given in (OrderedDict(a=1), {1, 2}, torch.Generator(), lambda: 0, bytearray(), deep, unversioned):
        with pytest.raises(ValueError, match="it is given an object that a second pass might change"):
            in_own_containers(cast(object, ([given],)))
