"""A step that several processes make together is held against all their batches, and training stays the same."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from torch import distributed, nn, no_grad
from torch.optim import Optimizer

from ergoscope.probes.trial.verdict import MOVED
from tests.agent.group import run_ranks
from tests.agent.jobs import mlp, same_bits, seed
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial import trusted
from tests.agent.probes.trial.batches import said
from tests.agent.probes.trial.trusted import (
    adam,
    alone,
    copied,
    copies_of_shards,
    decayed,
    in_tensor_parallel,
    masked,
    narrow,
    net,
    plain,
    sharded,
    sharded_and_kept,
    sharded_in_half_precision,
    trained,
)

Share = Callable[[nn.Module], nn.Module]
ONE, TWO = 17, 29  # steps: asked for at 4, measured at 12, told at 16, and so on


@dataclass(frozen=True)
class Told:
    """What one process has to say."""

    same: bool
    ratios: dict[int, float]
    sharpness: dict[int, float]
    texts: list[str]


def tell(
    share: Share,
    make: Callable[[nn.Module], Optimizer],
    kind: Callable[[], nn.Module] = masked,
    *,
    clip: float = 0.0,
    steps: int = ONE,
) -> Told:
    outlet, found = MemoryOutlet(), []
    for watched in (None, outlet):
        seed(3)
        model = share(kind())
        found.append(trained(model, make(model), watched, steps=steps, clip=clip))
    return Told(same_bits(*found), outlet.series("trust_ratio"), outlet.series("batch_sharpness"), said(outlet))


def of_two_processes(share: Share, make: Callable[[nn.Module], Optimizer]) -> Told:
    seed(3)
    model, outlet = share(net()), MemoryOutlet()
    trained(model, make(model), outlet, steps=TWO)
    return Told(True, outlet.series("trust_ratio"), outlet.series("batch_sharpness"), said(outlet))


def of_one_process(make: Callable[[nn.Module], Optimizer]) -> Told:
    seed(3)
    model, outlet = net(), MemoryOutlet()
    world, distributed.get_world_size = distributed.get_world_size, lambda: 1  # it looks as if there were no other
    try:
        trained(model, make(model), outlet, steps=TWO, whole=True)
    finally:
        distributed.get_world_size = world
    return Told(True, outlet.series("trust_ratio"), outlet.series("batch_sharpness"), said(outlet))


def known_answers(_: int) -> dict[str, list[Told]]:
    return {
        f"{share.__name__} {make.__name__}": [of_two_processes(share, make), of_one_process(make)]
        for share, make in ((copied, plain), (copied, decayed), (sharded, plain), (copies_of_shards, decayed))
    }


def test_two_processes_find_what_one_finds_on_both_their_batches() -> None:
    first, second = run_ranks(known_answers)

    for name, (ours, theirs) in first.items():
        assert (ours.texts, theirs.texts) == ([], []), name
        assert list(ours.ratios) == [12, 24], name
        # In fp64: losses to 1e-16 of themselves, of which a step changes a hundredth.
        assert ours.ratios == pytest.approx({s: theirs.ratios[s] for s in ours.ratios}, rel=1e-9), name
        expected = {s: theirs.sharpness[s] for s in ours.ratios if s in theirs.sharpness}
        assert ours.sharpness == pytest.approx(expected, rel=1e-6), name
        assert bool(expected) == name.endswith("plain")
    for told, _ in second.values():
        assert (told.ratios, told.texts) == ({}, [])


def bits(_: int) -> dict[str, Told]:
    return {
        "copies": tell(copied, adam),
        "copies, clipped": tell(copied, decayed, clip=0.1),
        "parts": tell(sharded, adam, steps=TWO),
        "parts, clipped": tell(sharded, decayed, clip=0.1),
        "parts that stay whole until the backward pass": tell(sharded_and_kept, adam),
        "parts in half precision": tell(sharded_in_half_precision, adam, narrow),
    }


def test_training_is_the_same_to_the_last_bit() -> None:
    first, second = run_ranks(bits)

    for name, told in first.items():
        assert told.same, name
        assert told.ratios or "half" in name, name
    assert all(told.same for told in second.values())


def refusals(_: int) -> dict[str, Told]:
    return {"alone": tell(alone, plain), "rows and columns": tell(in_tensor_parallel, plain, mlp)}


def test_what_is_not_averaged_in_a_known_way_is_refused() -> None:
    ranks = run_ranks(refusals)

    for told in ranks:
        assert all(one.same and not one.ratios for one in told.values())
    (text,) = ranks[0]["alone"].texts
    assert "2 processes train together, and the watched model is neither one DistributedDataParallel nor" in text
    (text,) = ranks[0]["rows and columns"].texts
    assert "spread over processes otherwise than by FSDP alone" in text


def lonely(rank: int) -> tuple[bool, int, list[str]]:
    found, outlet = [], MemoryOutlet()
    for watched in (False, True):
        seed(3)
        model = sharded(masked())
        mine = outlet if watched and not rank else None
        found.append(trained(model, plain(model), mine, steps=100))
    return same_bits(*found), len(outlet.series("trust_ratio")), said(outlet)


def test_a_process_that_does_not_watch_is_not_waited_for() -> None:
    first, second = run_ranks(lonely)

    assert first[:2] == (True, 0)
    assert [text.partition(":")[0] for text in first[2]] == ["trust_ratio waits for the other processes"]
    assert second == (True, 0, [])


def parting(rank: int) -> tuple[bool, dict[int, float]]:
    """One process stops watching at each step around a reading."""
    same, ratios = True, dict[int, float]()
    for end in range(7, 15):
        found = []
        for watched in (False, True):
            seed(3)
            model, outlet = sharded(masked()), MemoryOutlet()
            optimizer = plain(model)
            taps = trusted.watch(model, optimizer, outlet) if watched else None

            def between(number: int, end: int = end, taps: object = taps) -> None:
                if taps is not None and rank and number == end:
                    taps.detach()  # type: ignore[attr-defined]  # taps

            found.append(trained(model, optimizer, None, steps=18, between=between))
            if taps is not None:
                taps.detach()
        same &= same_bits(*found)
        ratios.update(outlet.series("trust_ratio"))
    return same, ratios


def test_who_stops_in_the_middle_of_a_reading_leaves_nobody_waiting() -> None:
    first, second = run_ranks(parting)

    assert first[0]
    assert second[0]


def failing(rank: int) -> tuple[bool, int, list[str]]:
    found, outlet = [], MemoryOutlet()
    for watched in (None, outlet):
        seed(3)
        model = sharded(masked())
        optimizer = plain(model)

        def between(number: int, model: nn.Module = model) -> None:
            if rank and number == 10:
                model.register_forward_hook(lambda *_: None)

        found.append(trained(model, optimizer, watched, steps=20, between=between))
    return same_bits(*found), len(outlet.series("trust_ratio")), said(outlet)


def test_a_batch_that_one_process_cannot_use_is_used_by_nobody() -> None:
    first, second = run_ranks(failing)

    assert (first[0], second[0]) == (True, True)
    assert "modules have hooks of the job's own" in second[2][0]
    assert first[2] == []


def written_over(_: int) -> list[tuple[int, list[str]]]:
    told = []
    for share in (copied, sharded):
        seed(3)
        model, outlet = share(net()), MemoryOutlet()

        def between(_: int, model: nn.Module = model) -> None:
            with no_grad():
                for parameter in model.parameters():
                    parameter.mul_(0.9)

        trained(model, plain(model), outlet, steps=TWO, between=between)
        told.append((len(outlet.series("trust_ratio")), said(outlet)))
    return told


def test_what_is_written_to_the_weights_after_the_step_is_not_taken_for_its_work() -> None:
    for told in run_ranks(written_over):
        assert told == [(0, [MOVED])] * 2
