"""`ergoscope twins` runs a script as twins and says how they differ."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ergoscope import cli
from ergoscope.cli import twins
from ergoscope.twins.asked import Asked
from ergoscope.twins.record import TwinRecord
from ergoscope.twins.stability import stability
from ergoscope.twins.staging import main as stage

SCRIPT = """
import sys
import torch
from torch import nn
import ergoscope

torch.manual_seed(0)
steps = int(sys.argv[1])
data = torch.randn(40, 3)
targets = torch.randn(40, 1)
data, targets = ergoscope.twin((data, targets))
probe = (torch.randn(6, 3), torch.randn(6, 1))
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
losses = lambda model, batch: (model(batch[0]) - batch[1]).square().sum(1)
run = ergoscope.watch(model, optimizer, probe=probe, loss_fn=losses, mode="offline", silent=True)
for _ in range(steps):
    chosen = torch.randint(len(data), (8,))
    optimizer.zero_grad()
    losses(model, (data[chosen], targets[chosen])).mean().backward()
    optimizer.step()
run.finish()
"""


def test_twins_are_told_apart_by_what_was_replaced_and_equal_by_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGOSCOPE_DIR", str(tmp_path / "agent"))
    (tmp_path / "train.py").write_text(SCRIPT)

    code = cli.main(["twins", "--every", "2", "--json", str(tmp_path / "train.py"), "200"])

    told = json.loads(capfd.readouterr().out)
    floor, other = told["twins"]
    assert code == 0
    assert (told["noise_floor"]["value"], floor["coupling"]["word"], floor["departed"]) == (0.0, "equal", [])
    assert told["sas_coefficient"]["value"] == other["value"] > 0
    assert other["low"] <= other["value"] <= other["high"]
    assert len(other["points"]) == 6
    assert {layer["layer"] for layer in other["departed"]} == {"weight", "bias"}
    assert other["looks"] == 51  # steps 100 to 200, every other


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch):
    """Twins that are made up: what one of them saw follows from what it was asked."""
    asked: list[Asked] = []

    def train(script: Path, arguments: list[str], one: Asked, number: int) -> int:
        asked.append(one)
        if trained.looks:
            _made_up(one, trained.looks, trained.used, trained.trouble).save(Path(one.path))
        return trained.code

    trained = SimpleNamespace(asked=asked, looks=101, used=1, trouble="", code=0)
    monkeypatch.setattr(twins, "_train", train)
    return trained


def _made_up(one: Asked, looks: int, used: int, trouble: str) -> TwinRecord:
    moved = 0.0 if one.draw is None else one.replace * (one.draw + 1.0)
    draw = np.random.default_rng(0)
    losses, sketches = draw.normal(size=(looks, 6)) + moved, draw.normal(size=(looks, 7)) + moved
    layers = draw.normal(size=(looks, 1, 3)) + moved
    return TwinRecord(np.arange(looks) * one.every, losses, sketches, ("weight",), layers, used, trouble)


def test_each_draw_is_a_twin_of_its_own_and_the_largest_counts(trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["twins", "--replace", "4", "--draws", "2", "--json", __file__]) == 0

    told = json.loads(capsys.readouterr().out)
    assert [one.draw for one in trained.asked] == [None, None, 0, 1]
    assert [one["value"] for one in told["twins"]] == pytest.approx([0.0, 1.0, 2.0])  # per replaced example
    assert told["sas_coefficient"]["value"] == pytest.approx(2.0)


def test_the_table_says_the_same_in_words(trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["twins", "--replace", "4", "--since", "250", __file__]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["nothing", "0", "0", "to", "0", "0", "0", "(0.00%),", "equal", "never"]
    assert lines[2].startswith("4, draw 0")
    assert lines[2].endswith("step 0: weight")
    assert "6 points, 76 looks each" in lines[4]
    assert lines[5] == "Replacing examples moves the losses by more than the machine does by itself."


def test_what_cannot_be_told_from_nothing_is_said_to_be_so(
    trained, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(twins, "departures", lambda *_: [])
    monkeypatch.setattr(twins, "stability", lambda a, b, replaced: stability(a, a, replaced=replaced))

    assert cli.main(["twins", __file__]) == 0

    said = "What replacing examples does cannot be told from nothing: train longer, or replace more."
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_a_script_that_fails_is_told_with_its_status(trained, capsys: pytest.CaptureFixture[str]) -> None:
    trained.code = 3

    assert cli.main(["twins", __file__]) == 1
    assert len(trained.asked) == 1
    assert "ergoscope: twin 0 ended with status 3; nothing is compared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "arguments", "text"),
    [
        ({"used": 0}, [], "the script never called ergoscope.twin(data), so nothing could be replaced; have it do so"),
        ({"looks": 0}, [], "twin 0 left nothing to compare; the script must call ergoscope.watch("),
        ({"trouble": "no memory"}, [], "twin 0 could not be looked at: no memory"),
        ({}, ["--since", "900"], "twins cannot be compared since step 900: there are 11 looks; at least 40 are needed"),
        ({}, ["--replace", "0"], "--replace is 0; it must be at least 1"),
    ],
)
def test_what_cannot_be_compared_is_told_with_what_to_do(
    changes: dict[str, object], arguments: list[str], text: str, trained, capsys: pytest.CaptureFixture[str]
) -> None:
    vars(trained).update(changes)

    assert cli.main(["twins", *arguments, __file__]) == 2
    assert text in capsys.readouterr().err
    assert len(trained.asked) in ((0, 3) if arguments else (1,))  # no twin is trained in vain


def test_a_script_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["twins", "nowhere.py"]) == 2

    assert "nowhere.py is no file; give the training script" in capsys.readouterr().err


def test_staging_a_script_that_is_no_twin_says_the_command() -> None:
    with pytest.raises(SystemExit, match=r"ERGOSCOPE_TWIN is not set; start twins by `ergoscope twins train\.py`"):
        stage(["train.py"])
