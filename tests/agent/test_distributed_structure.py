"""Jobs of two processes: distances of parts add up, what takes whole matrices is absent, training stays the same."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from torch import Tensor

from ergoscope.taps import attach
from ergoscope_contract.catalogue import Reduce
from ergoscope_server.store.points import Points
from ergoscope_server.store.reduce import how, spoken, together
from tests.agent.group import Rows, series
from tests.agent.group_jobs import MAKERS, STEPS, full, made
from tests.agent.jobs import everything, force, same_bits
from tests.agent.memory_outlet import MemoryOutlet

WHOLE = ("stable_rank", "effective_rank", "norm_product", "norm_distance", "nc1")
SPREAD = ("shards_of_uneven_size", "shards_of_plain_sgd", "shards_of_a_transformer", "tensor_parallel")


@dataclass
class Told:
    """What one rank says of one job: rows, the true distances by layer at each step, whether training was the same."""

    rows: Rows = field(default_factory=list)
    truth: list[dict[str, float]] = field(default_factory=list)
    same: bool = False
    texts: list[str] = field(default_factory=list)


def trained(name: str, outlet: MemoryOutlet | None, truth: list[dict[str, float]] | None = None) -> list[Tensor]:
    model, optimizer, loss = made(name)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0) if outlet is not None else None
    if taps is not None:
        force(taps)
    names = [key.removeprefix("module.") for key, _ in model.named_parameters()]
    start = [full(p) for p in model.parameters()] if truth is not None else []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        if truth is not None:
            gone = [(full(p) - w).norm().item() for p, w in zip(model.parameters(), start, strict=True)]
            truth.append(dict(zip(names, gone, strict=True)))
    if taps is not None:
        assert taps.alive
        taps.detach()
    return everything(model, [optimizer])


def tell(rank: int) -> dict[str, Told]:
    told = {}
    for name in MAKERS:
        outlet, truth = MemoryOutlet(), list[dict[str, float]]()
        plain = trained(name, None, truth)
        watched = trained(name, outlet)
        texts = [event.text for event in outlet.events("agent")]
        told[name] = Told(outlet.rows, truth, same_bits(plain, watched), texts)
    return told


def shown(told: list[Told], key: str) -> Points:
    """A series as the service shows it."""
    parts = sum(bool(len(series(one.rows, "dist_from_init"))) for one in told)
    kind = how(key, parts=parts)
    assert kind is (Reduce.SQUARES if parts > 1 else Reduce.FIRST)
    of = {rank: series(one.rows, key) for rank, one in enumerate(told)}
    whole = {rank: series(one.rows, "dist_from_init") for rank, one in enumerate(told)}
    return together(kind, of, complete=spoken(whole, parts))


@pytest.mark.parametrize("name", MAKERS)
def test_distances_of_the_parts_make_that_of_the_whole(ranks: list[dict[str, Told]], name: str) -> None:
    told = [rank[name] for rank in ranks]

    for layer in told[0].truth[0]:
        points = shown(told, f"dist_from_init/{layer}")
        assert points.steps.tolist() == list(range(1, STEPS + 1))
        # Of at most 1,600 entries: each a difference of two fp32 numbers below 2, and their sum.
        truth = [at[layer] for at in told[0].truth]
        assert points.values.tolist() == pytest.approx(truth, rel=1e-4, abs=1600**0.5 * 2.0**-23), layer
    all_layers = [float(np.linalg.norm(list(at.values()))) for at in told[0].truth]
    assert shown(told, "dist_from_init").values.tolist() == pytest.approx(all_layers, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_training_of_many_is_the_same(ranks: list[dict[str, Told]], name: str) -> None:
    assert [rank[name].same for rank in ranks] == [True, True]


@pytest.mark.parametrize("name", SPREAD)
def test_what_takes_whole_matrices_is_absent_where_they_are_in_parts_and_that_is_told(
    ranks: list[dict[str, Told]], name: str
) -> None:
    for rank in ranks:
        keys = {key.partition("/")[0] for _, row in rank[name].rows for key in row}
        assert not keys & set(WHOLE)
        assert [text for text in rank[name].texts if text.startswith("parameters are spread over several processes")]


def test_of_a_copied_model_rank_0_answers(ranks: list[dict[str, Told]]) -> None:
    first, second = ({key for _, row in rank["copies"].rows for key in row} for rank in ranks)

    assert {"norm_product", "stable_rank/0.weight", "dist_from_init"} <= first
    assert not {key for key in second if key.partition("/")[0] in (*WHOLE, "dist_from_init")}
