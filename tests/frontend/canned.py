"""Runs with invented numbers, shaped like real ones."""

import time

import numpy as np

from tests.frontend.fake_service import FakeRun

LAYERS = (
    "conv1.weight",
    "conv1.bias",
    "bn1.weight",
    "conv2.weight",
    "bn2.weight",
    "conv3.weight",
    "fc1.weight",
    "fc2.weight",
    "head.weight",
)
ROOM = 4_000  # steps a run may still grow by


def settled(
    *, run: str = "settled", name: str = "conv-sgd-0.1", steps: int = 18_240, seed: int = 7, **more: object
) -> FakeRun:
    """A run whose loss has settled after a learning rate drop at step 10,000."""
    x = np.arange(1, steps + ROOM + 1, dtype=float)
    rng = np.random.default_rng(seed)
    base = np.where(
        x < 820,
        2.3 - x / 820,
        np.where(x < 10_000, 0.62 + 0.7 * np.exp(-(x - 820) / 1700), 0.394 + 0.22 * np.exp(-(x - 10_000) / 1300)),
    )
    loss = base + 0.04 * rng.standard_normal(x.size)
    grad = np.where(
        x < 820,
        0.6 + 0.4 * x / 820,
        np.where(x < 10_000, 0.42 + 0.5 * np.exp(-(x - 820) / 900), 0.31 - 0.1 * np.exp(-(x - 10_000) / 500)),
    )
    grad = 12 * grad * (1 + 0.05 * rng.standard_normal(x.size))
    grad[5_660:5_661] = 19.0
    series = {
        "loss": loss,
        "grad_norm": grad,
        "update_ratio": np.where(x < 10_000, 1.2e-3, 2.1e-4) * np.exp(0.1 * rng.standard_normal(x.size)),
        "lr": np.where(x < 10_000, 0.1, 0.01),
        "step_time": 0.041 + 0.001 * rng.standard_normal(x.size),
        "agent_overhead": np.full(x.size, 1.4),
    }
    for index, layer in enumerate(LAYERS):
        drift = np.cumsum(0.004 * rng.standard_normal(x.size))
        noise = 0.05 * rng.standard_normal(x.size)
        series[f"grad_norm/{layer}"] = 10 ** (drift + noise - 0.3 + 0.02 * index) * (grad / 12)
        series[f"update_ratio/{layer}"] = series["update_ratio"] * 10 ** (0.1 * index + noise)
        series[f"weight_norm/{layer}"] = 3 + index + 0.001 * np.sqrt(x)
    series["update_ratio/head.weight"][steps - 5 :] *= 3
    return FakeRun(
        id=run,
        name=name,
        steps=steps,
        series=series,
        created=time.time() - 800,
        config={"lr": 0.1, "seed": 0, "optimizer": {"name": "SGD", "momentum": 0.9}, "batch_size": 64},
        verdict=_settled_verdict(run, steps),
        summary={
            "state": "PLATEAU",
            "headline": "The loss has settled; the weights have not.",
            "spells": _spells(steps),
            "system": {"torch": "2.13.0", "host": "laptop", "git": {"commit": "9f2c1ab"}},
        },
        histograms=_histograms(steps),
        events=[{"kind": "lr_change", "wall": time.time() - 400, "step": 10_000, "text": "lr 0.1 → 0.01"}],
        **more,  # type: ignore[arg-type]  # a test's own fields
    )


def at_the_edge(*, run: str = "edge", steps: int = 18_240) -> FakeRun:
    """The settled run at the edge of stability, with its curvature measured."""
    made = settled(run=run, steps=steps)
    made.series["sharpness_ratio"] = np.linspace(0.4, 1.0, steps + ROOM)
    ratio = {"id": "sharpness_ratio", "value": 0.98, "low": 0.93, "high": 1.04, "n": 5, "step": steps}
    readings = made.verdict["readings"]
    assert isinstance(readings, list)
    made.verdict |= {"flags": ["EDGE"], "readings": [*readings, ratio]}
    text = "curvature is exact, on the training's own batch, over the whole model; 12 products"
    data = {"quantities": ["sharpness_ratio"], "how": text.removeprefix("curvature is ")}
    made.events.append({"kind": "agent", "wall": 1.0, "step": 57, "text": text, "data": data})
    return made


def _spells(steps: int) -> list[dict[str, object]]:
    edges = [(0, "WARMUP"), (820, "DESCENDING"), (7_600, "PLATEAU"), (10_000, "DESCENDING"), (15_100, "PLATEAU")]
    kept = [(first, state) for first, state in edges if first < steps]
    ends = [first - 1 for first, _ in kept[1:]] + [steps]
    return [{"state": state, "first": first, "last": end} for (first, state), end in zip(kept, ends, strict=True)]


def _settled_verdict(run: str, steps: int) -> dict[str, object]:
    return {
        "run": run,
        "step": steps,
        "state": "PLATEAU",
        "headline": "The loss has settled; the weights have not.",
        "sentence": "Loss 0.394 since step 15,100.",
        "evidence": [
            {"text": "Loss "},
            {"text": "0.3942 ± 0.0021", "reading": "loss_mean_ci"},
            {"text": " since step "},
            {"text": "15,100", "reading": "stabilization_onset"},
            {"text": ". The gradient stays at "},
            {"text": "31 ± 2 %", "reading": "grad_norm_level"},
            {"text": " of its start, so this is no stationary point. A lower rate usually moves it."},
        ],
        "since": 15_100,
        "readings": [
            {
                "id": "loss_mean_ci",
                "value": 0.39421,
                "low": 0.39208,
                "high": 0.39634,
                "n": 58,
                "step": steps,
                "how": "overlapping batch means, 95 %",
            },
            {"id": "stabilization_onset", "value": 15_100, "step": steps},
            {"id": "ess", "value": 58, "step": steps},
            {"id": "grad_norm_level", "value": 0.31, "low": 0.29, "high": 0.33, "step": steps},
        ],
        "spells": _spells(steps),
        "marks": [
            {"step": 820, "kind": "warmup", "text": "warm-up ends"},
            {"step": 5_661, "kind": "alert", "text": "gradient spike, resolved"},
            {"step": 10_000, "kind": "lr_change", "text": "lr 0.1 → 0.01"},
        ],
    }


def diverging(*, run: str = "diverging", name: str = "conv-sgd-0.3", steps: int = 4_102) -> FakeRun:
    """A run that leaves for infinity from step 3,300 on."""
    made = settled(run=run, name=name, steps=steps, seed=11)
    x = np.arange(1, steps + ROOM + 1, dtype=float)
    away = np.maximum(0, x - 3_300)
    made.series["loss"] = (
        0.75 + 1.6 * np.exp(-x / 700) + away**2 / 5e5 + 0.03 * np.random.default_rng(3).standard_normal(x.size)
    )
    made.series["lr"] = np.full(x.size, 0.3)
    for index, layer in enumerate(LAYERS):
        made.series[f"grad_norm/{layer}"] = made.series[f"grad_norm/{layer}"] * 10 ** (
            np.maximum(0, x - 1_100 - 150 * index) / 1500
        )
    made.series["grad_norm"] = made.series["grad_norm"] * (1 + np.maximum(0, x - 3_000) / 900)
    made.created += 60
    made.config = {**made.config, "lr": 0.3, "seed": 1}
    made.verdict = {
        "run": run,
        "step": steps,
        "state": "DESCENDING",
        "flags": ["DIVERGING"],
        "headline": "The loss is running away.",
        "evidence": [{"text": "It has risen since step 3,300."}],
        "spells": _spells_to_divergence(steps),
        "marks": [{"step": 3_420, "kind": "alert", "text": "divergence"}],
    }
    made.summary = {
        "state": "DESCENDING",
        "flags": ["DIVERGING"],
        "headline": "The loss is running away.",
        "spells": _spells_to_divergence(steps),
    }
    return made


def _spells_to_divergence(steps: int) -> list[dict[str, object]]:
    return [
        {"state": "WARMUP", "first": 0, "last": 819},
        {"state": "DESCENDING", "first": 820, "last": 3_299},
        {"state": "DIVERGING", "first": 3_300, "last": steps},
    ]


def crashed() -> FakeRun:
    """A run that ended with a NaN."""
    made = settled(run="crashed", name="vit-tiny-lion", steps=7_713, seed=5)
    made.series["loss"][7_700:] = np.nan
    made.status, made.project = "crashed", "vision"
    made.created -= 90_000
    made.summary = {**made.summary, "state": "DESCENDING", "flags": ["NONFINITE"], "reason": "killed by signal 9"}
    made.verdict = {
        **made.verdict,
        "state": "DESCENDING",
        "flags": ["NONFINITE"],
        "headline": "The loss is not finite.",
    }
    return made


def young(*, steps: int = 40) -> FakeRun:
    """A run that has just begun: nothing can be said of it yet."""
    made = settled(run="young", name="gpt-adamw-3e-4", steps=steps, seed=9)
    made.created += 700
    made.config = {"lr": 3e-4, "optimizer": {"name": "AdamW"}}
    made.summary = {}
    made.verdict = {"run": "young", "step": steps, "headline": f"Not enough steps yet ({steps} of 400)."}
    return made


def firing(run: str = "diverging") -> dict[str, object]:
    """A divergence alert that is on."""
    return {
        "id": f"{run}-1",
        "rule": "divergence",
        "run": run,
        "severity": "crit",
        "state": "firing",
        "text": "The loss is 1.9, half as much again as its best, and rising.",
        "first_step": 3_420,
        "last_step": 4_102,
        "started": time.time() - 95,
        "metric": "loss",
    }


def resolved(run: str = "settled") -> dict[str, object]:
    """A spike that is over."""
    return {
        **firing(run),
        "id": f"{run}-2",
        "rule": "nonfinite",
        "severity": "warn",
        "state": "resolved",
        "text": "A gradient of conv1.weight was not finite at step 5,661.",
        "first_step": 5_661,
        "started": time.time() - 700,
        "ended": time.time() - 690,
    }


def _histograms(steps: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(1)
    found: list[dict[str, object]] = []
    for kind, middle in (("grad_hist", -11), ("weight_hist", -5)):
        for step in range(200, steps, 400):
            sizes = np.floor(rng.normal(middle - step / 6000, 2, 3000)).astype(int)
            low, high = int(sizes.min()), int(sizes.max())
            counts = np.bincount(sizes - low, minlength=high - low + 1)
            half = (counts // 2).tolist()
            found.append(
                {
                    "key": f"{kind}/conv1.weight",
                    "step": step,
                    "low": low,
                    "positive": half,
                    "negative": half,
                    "zeros": 10,
                }
            )
    return found
