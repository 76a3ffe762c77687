"""What is secret is not told, and what is none is."""

import time

import pytest

from ergoscope.capture.masking import HIDDEN, hide_secrets, mask, mask_object
from ergoscope.capture.secret_names import names_a_secret

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
    ["--note", "ergo_00aa11bb22cc_s3cretABCDEFGH"],
    ["sk-proj-s3cretABCDEFGH"],
    ["--note", "uses AKIAS3CRETABCDEFGH"],
    ["eyJhbGciOiJIUzI1.eyJzM2NyZXQi.s3cret"],
    ["-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----"],
    ["https://s3cret0123456789abcdef0123456789abcdef01@github.com/me/x"],
    ["postgres://user:p@ss:w/s3cret@host"],
    ["postgres://user:p/s3cret@host"],
    ["https://host/x?next=https://me:s3cret@host"],
    ["user:p/s3cret@host"],
    ["--token", "--abc123s3cret"],
    ["--tokens", "s3cret", "s3cret2"],
    ["--api_keys", "s3cret", "s3cret2"],
    ["--passwords", "s3cret", "s3cret2"],
    ["--apikeys=s3cret"],
    ["--hftoken=s3cret"],
    ["--accesstoken", "s3cret"],
    ["--dbpassword", "s3cret"],
    ["--mysqlpwd=s3cret"],
    ["--wandbkey=s3cret"],
    ["-Ptoken=s3cret"],
    ["--token2=s3cret"],
    ["--token_2", "s3cret"],
    ["--access_key_id=s3cret"],
    ["--token_value=s3cret"],
    ["--api-key-value", "s3cret"],
    ["--private_key_pem", "s3cret"],
    ["--jwt", "s3cret"],
    ["--bearer", "s3cret"],
    ["Authorization: token s3cret"],
    ["--header=Authorization: token s3cret"],
    ["Cookie: a=1; b=s3cret"],
    ["BEARER s3cret"],
    ["curl -u me:s3cret"],
    ["curl --user 'me:s3cret' x"],
    ["curl", "-u", "me:s3cret"],
    ["python t.py --password s3cret"],
    ["python t.py -token s3cret --x 1"],
    ["AIzaS3CRETabcdefgh0123456789"],
    ["https://hooks.slack.com/services/T0/B0/s3cret"],
    ["dop_v1_s3cret0123456789"],
    ['{"a": "{\\"token\\": \\"s3cret\\"}"}'],
    ['{"password": {"value": "s3cret"}}'],
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
    ["--num_tokens", "512"],
    ["--tokens", "512", "x"],
    ["--tokens=512"],
    ["--max-token-length=128"],
    ["--tokenizer", "bert"],
    ["--key_frames", "3"],
    ["--keypoints", "17"],
    ["--monkey", "3"],
    ["--pad_token_id", "0"],
    ["docker run --user 1000:1000 x"],
    ["-u", "1000:1000"],
    ["http://localhost:8080/a@b"],
    ["https://host/@me/x"],
]
CODE = [
    ('os.environ["WANDB_API_KEY"] = "s3cret"', 'os.environ["WANDB_API_KEY"] = "(hidden)"'),
    ('HF_TOKEN: str = "s3cret"', 'HF_TOKEN: str = "(hidden)"'),
    ('token: SecretStr | None = "s3cret"', 'token: SecretStr | None = "(hidden)"'),
    ('password = f"s3cret"', 'password = f"(hidden)"'),
    ('pw = 1; pwd = b"s3cret"', 'pw = 1; pwd = b"(hidden)"'),
    ('pw = b"s3cret"', 'pw = b"(hidden)"'),
    ('api_key="""s3cret"""', 'api_key="""(hidden)"""'),
    ("api_key='''a\n+s3cret'''\nx", "api_key='''(hidden)'''\nx"),
    ('api_key = """s3cret\ndiff --git a b', 'api_key = """(hidden)\ndiff --git a b'),
    ('password = "correct horse s3cret"', 'password = "(hidden)"'),
    ("password = 'it\\'s s3cret' + x", "password = '(hidden)' + x"),
    ('password = "a\\" s3cret"', 'password = "(hidden)"'),
    ('password = ["s3cret", "s3cret2"]', "password = [(hidden)]"),
    ('api_keys = {"a": {"b": "s3cret"}}; x = 1', "api_keys = {(hidden)}; x = 1"),
    ('key = ("s3cret",\n@@ -1 +1 @@', "key = ((hidden)\n@@ -1 +1 @@"),
    ('token = SecretStr("s3cret")', 'token = SecretStr("(hidden)")'),
    ('os.environ.setdefault("HF_TOKEN", "s3cret")', 'os.environ.setdefault("HF_TOKEN", "(hidden)")'),
    ('if token == "s3cret":', 'if token == "(hidden)":'),
    ('{"password": 123456}', '{"password": (hidden)}'),
    ("token: abc = s3cret", "token: (hidden) = (hidden)"),
    ('token: Optional[str] = "s3cret"', 'token: Optional[str] = "(hidden)"'),
    ("password: s3cret", "password: (hidden)"),
    ('token = "s3" "cret", "x"', 'token = "(hidden)" "(hidden)", "x"'),
    ("token = 's3' + f'cret' + x", "token = '(hidden)' + f'(hidden)' + x"),
    ('login(key="s3"  # a half\n+      "cret", n="1")', 'login(key="(hidden)"  # a half\n+      "(hidden)", n="1")'),
    ('pw = "s3" \\\n+    b"cret"', 'pw = "(hidden)" \\\n+    b"(hidden)"'),
    ('get("TOKEN", default="s3" "cret")', 'get("TOKEN", default="(hidden)" "(hidden)")'),
    ('pw = "s3cret"\n+"""About it."""', 'pw = "(hidden)"\n+"""About it."""'),
]
PLAIN_CODE = [
    'token = os.environ["HF_TOKEN"]',
    "def login(token: str, steps: int) -> None:",
    "key = self.key(x)",
    "sorted(rows, key=lambda row: row[0])",
    "missing_keys = model.load_state_dict(state)",
    "past_key_value = None",
    "eos_token_id = 50256",
    "num_tokens = 1000000",
    "hf_hub_download(repo)",
    "tokens = 4096",
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
    given = {"lr": 0.1, "key": 7, "hub": [{"token": "x"}], "passwords": "", "secret": ["x", None, True]}

    assert mask_object(given) == {**given, "hub": [{"token": HIDDEN}], "secret": [HIDDEN, None, True]}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"secrets": {"wandb": "abc"}}, {"secrets": {"wandb": HIDDEN}}),
        ({"password": {"value": "abc", "n": 1}}, {"password": {"value": HIDDEN, "n": HIDDEN}}),
        ({"api_key": [{"value": "abc"}]}, {"api_key": [{"value": HIDDEN}]}),
        ({"api_keys": ["abc", ("d",)]}, {"api_keys": [HIDDEN, [HIDDEN]]}),
        ({"token": 123456}, {"token": HIDDEN}),
        ({"cmd": "--token abc password=abc"}, {"cmd": "--token (hidden) password=(hidden)"}),
        ({"argv": ["--token", "abc", "-x"]}, {"argv": ["--token", HIDDEN, "-x"]}),
        ({"a": [{"b": {"c_token": "abc"}}]}, {"a": [{"b": {"c_token": HIDDEN}}]}),
    ],
)
def test_everything_below_a_secrets_name_is_hidden(given: dict[str, object], shown: dict[str, object]) -> None:
    assert mask_object(given) == shown


def test_settings_that_only_sound_secret_stay() -> None:
    given = {
        "max_tokens": 512,
        "tokens": 10**9,
        "tokenizer": {"name": "bert", "vocab": 3},
        "token_dropout": 0.1,
        "special_tokens": ["<a>"],
        "num_key_value_heads": 8,
    }

    assert mask_object(given) == given


@pytest.mark.parametrize(("line", "shown"), CODE)
def test_a_secret_in_code_is_hidden_to_its_end(line: str, shown: str) -> None:
    assert mask(f"+{line}\n") == f"+{shown}\n"
    assert mask(mask(line)) == mask(line)


@pytest.mark.parametrize("line", PLAIN_CODE)
def test_code_that_holds_no_secret_stays(line: str) -> None:
    assert mask(line) == line


def test_a_name_without_letters_is_none() -> None:
    assert not names_a_secret("--")


PIECES = [
    "y",
    '"a" ',
    'key="a" ',
    'key="a"\n',
    "a=",
    "sk-",
    "://a:",
    "key ",
    "key=[",
    'key="',
    "key=\\",
    'key="""',
    "--key ",
    "a:",
    "u:a@",
    "key: a = ",
    "-u a",
]


@pytest.mark.parametrize(
    "piece",
    [
        *PIECES,
        "bearer ",
        "key=a(",
        "key=os.environ",
        "key=[str[",
        "key: str[",
        "password=a(",
        "a:b,",
        '("key",',
        "-----BEGIN PRIVATE KEY----- ",
    ],
)
def test_a_long_text_takes_time_in_proportion(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()  # of this process alone, whatever else the machine does

    mask(text)

    assert time.process_time() - began < 5  # most take 0.2 s; in proportion to the square, minutes
