"""Figures of real runs: what is drawn of a run, and the replica beside ImageNet."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from benchmarks.verdict_runs.cases import CASES
from benchmarks.verdict_runs.training import run
from docs import draw
from ergoscope.api import Points
from ergoscope_contract.answers import Mark, Spell, Verdict
from examples.invariant_measure import Story

SVG = "{http://www.w3.org/2000/svg}"


def test_quantities_of_a_run_are_drawn_with_its_story_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "RUNS", {"mlp-sgd": "a net that learns"})
    case = next(case for case in CASES if case.name == "mlp-sgd")
    run(case, 0, steps=2400, after=0).save(tmp_path / "mlp-sgd-0.npz")

    drawn = draw.draw_quantities(tmp_path, tmp_path)

    assert {"loss", "lr", "iat"} <= set(drawn)
    assert "lambda_max" not in drawn
    said = ET.parse(tmp_path / "loss.svg").getroot().findtext(f"{SVG}desc") or ""
    assert said.startswith("Loss of a real run: a net that learns.")
    assert {path.stem for path in tmp_path.glob("*.svg")} == set(drawn)


def test_the_replica_is_drawn_beside_imagenet_from_its_first_step_to_its_last() -> None:
    steps = np.arange(1, 101)
    told = Verdict("r", 100, spells=[Spell("DESCENDING", 1, 100)], marks=[Mark(60, "lr", "lr 1 → 0.1")])
    series = [Points(name, steps, np.linspace(2, 1, 100)) for name in ("loss", "whole/grad_norm", "descent_balance")]

    root = ET.fromstring(draw.draw_story(Story(told, *series)))

    titles = [text.text or "" for text in root.iter(f"{SVG}text") if text.get("font-size") == "12"]
    assert [title for title in titles if title.startswith("ImageNet")] == [
        "ImageNet, ResNet-101: loss",
        "ImageNet, ResNet-101: whole gradient / its start",
    ]
    assert len(titles) == 5
    strips = [rect for rect in root.iter(f"{SVG}rect") if rect.findtext(f"{SVG}title") == "DESCENDING"]
    assert len(strips) == 3
