"""Secrets in netrc files and in XML, within diffs and without, and prose and code that only look like them."""

import time

import pytest

from ergoscope.capture.masking import mask

NETRC = [
    ("+machine host login me password s3cret", "+machine host login me password (hidden)"),
    ("+machine host\n+  login me\n+  password s3cret\n", "+machine host\n+  login me\n+  password (hidden)\n"),
    ("-machine host password s3cret login me", "-machine host password (hidden) login me"),
    ("default login me password s3cret", "default login me password (hidden)"),
    (
        "machine a login b password s3cret machine c login d password s3cret",
        "machine a login b password (hidden) machine c login d password (hidden)",
    ),
    ("echo 'machine h login me password s3cret' > .netrc", "echo 'machine h login me password (hidden)' > .netrc"),
]
XML = [
    ("+  <password>s3cret</password>", "+  <password>(hidden)</password>"),
    ("+  <db:apiKey type='x'>s3cret</db:apiKey>", "+  <db:apiKey type='x'>(hidden)</db:apiKey>"),
    ("<password>\n+  s3cret\n+</password>", "<password>(hidden)</password>"),
    ("<password>a]&gt;s3cret></password>", "<password>(hidden)</password>"),
    ("<password><![CDATA[s3<]cret]]></password>", "<password><![CDATA[(hidden)]]></password>"),
    ('<user name="me" password="s3cret"/>', '<user name="me" password="(hidden)"/>'),
    ('<property name="db.password">s3cret</property>', '<property name="db.password">(hidden)</property>'),
    ("<add name='ApiKey'\n+     value='s3cret' />", "<add name='ApiKey'\n+     value='(hidden)' />"),
    (
        "<key>AccessToken</key>\n+<string>s3cret</string>\n+<key>Rate</key>\n+<real>0.1</real>",
        "<key>AccessToken</key>\n+<string>(hidden)</string>\n+<key>Rate</key>\n+<real>0.1</real>",
    ),
    ("<name>hub.token</name><value>s3cret</value>", "<name>hub.token</name><value>(hidden)</value>"),
]
PLAIN = [
    "machine learning password manager",
    "+The machine asks for a login, then for a password that is long",
    "default password policy",
    "+# default login page",
    "<max_tokens>512</max_tokens>",
    "<token>512</token>",
    "<tokenizer>bert</tokenizer>",
    "<name>first</name><value>second</value>",
    '<layer name="key_proj">linear</layer>',
    "<password></password>",
    "<password>\n+</password>",
    '<field name="steps" value="100"/>',
    "usage: --set <password>",
    "if a <b and token> c: x = 1",
    "vector<Token> tokens; map<string, Key> keys;",
]


@pytest.mark.parametrize(("text", "shown"), [*NETRC, *XML])
def test_what_goes_by_a_secrets_name_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert mask(text) == shown
    assert mask(shown) == shown


def test_a_key_in_an_attribute_takes_its_value_along() -> None:
    assert "s3cret" not in mask('<add key="password" value="s3cret"/>')
    assert "s3cret" not in mask('<entry key="auth.token">s3cret</entry>')


@pytest.mark.parametrize("text", PLAIN)
def test_prose_and_code_that_hold_no_secret_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<key>",
        "<a b=",
        '<a name="',
        "<password>a",
        "<![CDATA[",
        "<password><![CDATA[a",
        "<password>s</password>",
        "machine ",
        "machine a login ",
        "\nmachine a password b",
        "\n+",
    ],
)
def test_a_long_text_takes_time_in_proportion(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()  # of this process alone, whatever else the machine does

    mask(text)

    assert time.process_time() - began < 5  # most take 0.2 s; in proportion to the square, minutes
