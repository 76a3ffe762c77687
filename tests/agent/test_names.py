"""Names for people and ids for machines."""

import random

from ergoscope.names import is_run_id, readable_name, run_id


def test_ids_sort_by_birth_and_differ() -> None:
    ids = [run_id(now=second) for second in (1.0, 1.8e9, 1.8e9 + 1)]

    assert ids == sorted(ids)
    assert (
        len({run_id(now=5.0) for _ in range(1000)}) == 1000
    )  # collides once in 17,000 such tests: 2^33 / (1000^2 / 2)
    assert all(is_run_id(identity) and len(identity) == 13 for identity in ids)


def test_a_runs_name_is_the_same_in_every_attempt_and_on_every_rank() -> None:
    assert readable_name("a") == readable_name("a")
    assert len({readable_name(str(i)) for i in range(1000)}) > 990  # of 1.4 million names


def test_drawing_leaves_the_generator_of_training_alone() -> None:
    random.seed(1)
    state = random.getstate()

    readable_name(run_id())

    assert random.getstate() == state


def test_what_would_leave_its_folder_is_no_id() -> None:
    assert is_run_id("exp-1.2_b")
    assert not any(is_run_id(text) for text in ("", "..", "a/b", "-a", ".a", "a b", "é", "a" * 65, "a\n"))
