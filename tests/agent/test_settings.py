"""Code wins over the environment, the environment over the defaults; what is not allowed says so."""

from dataclasses import fields

import pytest

from ergoscope.errors import SettingError
from ergoscope.settings import Knobs, Settings


def test_code_wins_over_the_environment_and_that_over_the_defaults() -> None:
    environment = {"ERGOSCOPE_PROJECT": "env", "ERGOSCOPE_NAME": "env"}

    settings = Settings.read(environment, name="code")

    assert (settings.name, settings.project, settings.group) == ("code", "env", "")


def test_none_in_code_and_an_empty_variable_are_not_given() -> None:
    settings = Settings.read({"ERGOSCOPE_MODE": "", "ERGOSCOPE_PROJECT": "env"}, project=None)

    assert (settings.mode, settings.project) == ("online", "env")


def test_texts_of_the_environment_become_values() -> None:
    environment = {
        "ERGOSCOPE_TAGS": "a, b,,c",
        "ERGOSCOPE_SILENT": "Yes",
        "ERGOSCOPE_GIVE_UP": "3",
        "ERGOSCOPE_RING_MIB": "4",
        "ERGOSCOPE_KEEP_SPOOL": "0",
    }

    settings = Settings.read(environment)

    assert settings.tags == ("a", "b", "c")
    assert (settings.silent, settings.keep_spool) == (True, False)
    assert (settings.give_up_s, settings.ring_mib) == (3.0, 4)


def test_tags_may_be_a_list_or_a_text() -> None:
    assert Settings.read({}, tags=["a", "b"]).tags == ("a", "b")
    assert Settings.read({}, tags="a,b").tags == ("a", "b")


def test_every_setting_has_an_environment_variable_a_sentence_and_an_argument() -> None:
    knobs = fields(Settings)

    assert all(knob.metadata["env"].startswith("ERGOSCOPE_") for knob in knobs)
    assert len({knob.metadata["env"] for knob in knobs}) == len(knobs)
    assert all(knob.metadata["about"].endswith(".") for knob in knobs)
    assert set(Knobs.__annotations__) == {knob.name for knob in knobs}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"projct": "x"}, "there is no setting 'projct'; did you mean 'project'?"),
        ({"zzzz": 1}, "there is no setting 'zzzz'; there are: mode, project, name"),
        ({"mode": "onlin"}, "mode is 'onlin'; allowed: online, offline, disabled"),
        ({"resume": "maybe"}, "resume is 'maybe'; allowed: allow, must, never"),
        ({"resume": "must"}, "resume is 'must', but no run_id says which run; give run_id or ERGOSCOPE_RUN_ID"),
        ({"run_id": "a/b"}, "run_id is 'a/b'; allowed: up to 64 letters, digits"),
        ({"run_id": "../x"}, "run_id is '../x'; allowed"),
        *(
            ({"run_id": "r", "fork_from": place}, f"fork_from is '{place}'; it must be RUN@STEP: the id of another run")
            for place in ("p", "p@", "p@x", "@3", "p/q@3", "r@3")
        ),
        ({"name": "a\nb"}, "name is 'a.nb'; allowed: up to 256 printable characters"),
        ({"project": "x" * 257}, "project is 'x+; allowed: up to 256 printable characters"),
        ({"base_url": "localhost:7117"}, "base_url is 'localhost:7117'; it must be an address such as"),
        ({"budget": 0.0}, "budget is 0.0; it must be above 0 and at most 1"),
        ({"ring_mib": 0}, "ring_mib is 0; it must be from 1 to 4096"),
        ({"give_up_s": -1.0}, "give_up_s is -1.0; it must be a number of seconds, at least 0"),
        ({"finish_wait_s": float("nan")}, "finish_wait_s is nan; it must be a number of seconds"),
        ({"name": 3}, "name is 3; it must be of type str"),
        ({"silent": "yes"}, "silent is 'yes'; it must be of type bool"),
        ({"tags": 3}, "tags is 3; it must be a list of texts"),
    ],
)
def test_a_value_from_code_that_is_not_allowed_says_what_is(given: dict[str, object], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        Settings.read({}, **given)


@pytest.mark.parametrize(
    ("env", "value", "text"),
    [
        ("ERGOSCOPE_SILENT", "perhaps", "ERGOSCOPE_SILENT is 'perhaps'; allowed: 1, true, yes, on, 0, false, no, off"),
        ("ERGOSCOPE_RING_MIB", "big", "ERGOSCOPE_RING_MIB is 'big'; it must be a number"),
        ("ERGOSCOPE_MODE", "on", "mode is 'on'; allowed: online, offline, disabled"),
    ],
)
def test_a_value_of_the_environment_that_is_not_allowed_says_what_is(env: str, value: str, text: str) -> None:
    with pytest.raises(SettingError, match=text):
        Settings.read({env: value})
