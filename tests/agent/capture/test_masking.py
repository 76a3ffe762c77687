"""What is secret is not told, and what is none is."""

import time

import pytest

from ergoscope.capture.masking import HIDDEN, hide_secrets, mask, mask_object, names_a_secret

SECRETS = [
    ["--token", "s3cret"],
    ["--token=s3cret"],
    ["-token", "s3cret"],
    ["--hf_token", "s3cret"],
    ["--hfToken=s3cret"],
    ["--api-key", "s3cret"],
    ["--api_key=s3cret"],
    ["--apikey=s3cret"],
    ["--wandb-key=s3cret"],
    ["--password", "s3cret"],
    ["--password", "-s3cret"],
    ["--db.passwd=s3cret"],
    ["--secret_access_key", "s3cret"],
    ["--credentials=s3cret"],
    ["--auth", "s3cret"],
    ["password=s3cret"],
    ["+db.password=s3cret"],
    ["++hub.token=s3cret"],
    ["API_KEY=s3cret"],
    ["postgresql://me:s3cret@host/db"],
    ["--url=https://me:s3cret@host"],
    ["redis://:s3cret@host"],
    ["https://host/x?token=s3cret&n=1"],
    ["https://host/x?n=1&X-Amz-Signature=s3cret"],
    ["--header", "Authorization: Bearer s3cret"],
    ["--header=Authorization: Bearer s3cret"],
    ['{"api_key": "s3cret", "lr": 1}'],
    ["{'password': 's3cret'}"],
    ["--overrides", "lr=1,token=s3cret"],
    ["hf_s3cretABCDEFGH"],
    ["ghp_s3cretABCDEFGH"],
    ["sk-proj-s3cretABCDEFGH"],
    ["--note", "uses AKIAS3CRETABCDEFGH"],
    ["eyJhbGciOiJIUzI1.eyJzM2NyZXQi.s3cret"],
    ["-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----"],
]
HARMLESS = [
    ["--max-tokens", "512"],
    ["--max_tokens=512"],
    ["--tokenizer", "gpt2"],
    ["--tokens-per-batch=4096"],
    ["--num_key_value_heads", "8"],
    ["--eos_token", "</s>"],
    ["--pad-token=<pad>"],
    ["--author", "me"],
    ["--monkey=1"],
    ["--passes", "3"],
    ["--keyboard", "us"],
    ["--pattern", "*.pt"],
    ["optimizer.lr=0.1"],
    ["https://host/data?n=1"],
    ["s3://bucket/part=value/key"],
    ["--data", "/data/c4", "-x"],
    ["a@b.c"],
    ["--lr=3e-4", "a=b=c"],
]


@pytest.mark.parametrize("argv", SECRETS, ids=" ".join)
def test_secrets_of_every_shape_are_hidden(argv: list[str]) -> None:
    shown = " ".join(hide_secrets(["train.py", *argv, "--lr", "0.1"]))

    assert "s3cret" not in shown
    assert "S3CRET" not in shown
    assert HIDDEN in shown
    assert shown.endswith("--lr 0.1")


@pytest.mark.parametrize("argv", HARMLESS, ids=" ".join)
def test_what_is_no_secret_is_shown(argv: list[str]) -> None:
    assert hide_secrets(["train.py", *argv]) == ["train.py", *argv]


def test_an_option_without_a_value_hides_nothing_of_the_next() -> None:
    assert hide_secrets(["t.py", "--token", "--lr", "0.1"]) == ["t.py", "--token", "--lr", "0.1"]


def test_a_secret_in_a_line_of_code_is_hidden_and_the_line_stays() -> None:
    line = '+    login(token="hunter22", steps=10)\n+    key = None\n+    token = 5'

    assert mask(line) == '+    login(token="(hidden)", steps=10)\n+    key = None\n+    token = 5'


def test_settings_keep_their_shape_and_numbers() -> None:
    given = {"lr": 0.1, "key": 7, "hub": [{"token": "x"}], "passwords": "", "tokens": ["a"], "secret": ["x", 1]}

    assert mask_object(given) == {**given, "hub": [{"token": HIDDEN}], "secret": [HIDDEN, 1]}


def test_a_name_without_letters_is_none() -> None:
    assert not names_a_secret("--")


@pytest.mark.parametrize("text", ["y" * 200_000, "a=" * 100_000, "sk-" * 70_000, "://a:" * 40_000, "key " * 50_000])
def test_a_long_text_takes_no_long_time(text: str) -> None:
    began = time.perf_counter()

    mask(text)

    assert time.perf_counter() - began < 2
