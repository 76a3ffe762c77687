"""What a job says of itself, and what it never says."""

import json

import pytest

from ergoscope.capture import describe_system, hide_secrets, rank


def test_no_value_of_an_environment_variable_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret-value")

    text = json.dumps(describe_system(["train.py"]))

    assert "s3cret-value" not in text


def test_options_named_like_secrets_are_hidden() -> None:
    argv = ["t.py", "--api_key", "x", "--password=y", "--verbose", "--lr", "0.1", "--token", "--lr"]

    assert hide_secrets(argv) == [
        "t.py",
        "--api_key",
        "(hidden)",
        "--password=(hidden)",
        "--verbose",
        "--lr",
        "0.1",
        "--token",
        "--lr",
    ]


def test_the_system_says_what_runs() -> None:
    facts = describe_system(["train.py", "--lr", "1"])

    assert facts["command"] == ["train.py", "--lr", "1"]
    assert {"script", "python", "platform", "cpus"} <= facts.keys()


def test_ranks_are_what_torchrun_says_and_nonsense_is_none() -> None:
    assert rank({}) == (0, 1)
    assert rank({"RANK": "3", "WORLD_SIZE": "8"}) == (3, 8)
    assert rank({"RANK": "8", "WORLD_SIZE": "8"}) == (0, 1)
    assert rank({"RANK": "x"}) == (0, 1)
