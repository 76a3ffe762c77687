"""Jobs of two processes: norms of parts add up to the norm, training stays the same, and all ranks record one run."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn, ones
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

import ergoscope
from ergoscope.opening import open_run
from ergoscope.settings import Settings
from ergoscope.shards import count_parts
from ergoscope.taps import attach
from ergoscope_contract.catalogue import Reduce
from ergoscope_server.store.points import Points
from ergoscope_server.store.quiet import LATE_S
from ergoscope_server.store.reduce import ADDED, how, ratio, spoken, together
from ergoscope_server.store.store import Store
from tests.agent.fake_server import FakeServer
from tests.agent.group import Rows, run_ranks, series
from tests.agent.group_jobs import MAKERS, STEPS, full, made
from tests.agent.jobs import everything, force, same_bits
from tests.agent.memory_outlet import MemoryOutlet
from tests.backend.store.batches import arrival

NORMS = ("grad_norm", "weight_norm", "update_norm", "update_ratio")


@dataclass
class Told:
    """What one rank says of one job.

    parts: on how many ranks the norms are taken; rows: what the agent recorded; truth: the same from the whole
    tensors, in fp64; same: whether training without, with and with all of the agent ended alike; texts: agent events.
    """

    parts: int = 0
    rows: Rows = field(default_factory=list)
    truth: Rows = field(default_factory=list)
    same: tuple[bool, bool] = (False, False)
    texts: list[str] = field(default_factory=list)
    entries: int = 0


def trained(name: str, outlet: MemoryOutlet | None, *, forced: bool) -> list[Tensor]:
    model, optimizer, loss = made(name)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0) if outlet is not None else None
    if taps is not None and forced:
        force(taps)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    if taps is not None:
        assert taps.alive
        taps.detach()
    return everything(model, [optimizer])


def measured(name: str) -> Rows:
    """The true norms, of the whole tensors, at each step."""
    model, optimizer, loss = made(name)
    names = [name.removeprefix("module.") for name, _ in model.named_parameters()]
    rows: Rows = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss().backward()
        before = [full(p) for p in model.parameters()]
        optimizer.step()
        after = [full(p) for p in model.parameters()]
        norms = {
            "grad_norm": [full(p.grad).norm().item() for p in model.parameters() if p.grad is not None],
            "weight_norm": [w.norm().item() for w in after],
            "update_norm": [(a - b).norm().item() for a, b in zip(after, before, strict=True)],
        }
        row = {f"{key}/{name}": n for key, of in norms.items() for name, n in zip(names, of, strict=True)}
        floors = [max(w, 1e-3 * b.numel() ** 0.5) for w, b in zip(norms["weight_norm"], before, strict=True)]
        ratios = [u / f for u, f in zip(norms["update_norm"], floors, strict=True)]
        row |= {f"update_ratio/{name}": r for name, r in zip(names, ratios, strict=True)}
        row |= {key: float(np.linalg.norm(of)) for key, of in norms.items()}
        row["update_ratio"] = row["update_norm"] / float(np.linalg.norm(floors))
        rows.append((step, row))
    return rows


def tell(rank: int) -> dict[str, Told]:
    told = {}
    for name in MAKERS:
        model, _, _ = made(name)
        one, forced = MemoryOutlet(), MemoryOutlet()
        plain = trained(name, None, forced=False)
        on = trained(name, one, forced=False)
        all_on = trained(name, forced, forced=True)
        told[name] = Told(
            count_parts(model.parameters()),
            one.rows,
            measured(name),
            (same_bits(plain, on), same_bits(plain, all_on)),
            [event.text for outlet in (one, forced) for event in outlet.events("agent") if "off" in event.data],
            sum(p.numel() for p in model.parameters()),
        )
    return told


def shown(told: list[Told], key: str) -> Points:
    """A series as the service shows it."""
    parts = told[0].parts
    head, slash, layer = key.partition("/")

    def of(name: str) -> dict[int, Points]:
        return {rank: series(one.rows, name) for rank, one in enumerate(told)}

    kind = how(key, parts=parts)
    complete = spoken(of(head), parts) if kind in ADDED else np.empty(0, np.int64)
    if kind is Reduce.RATIO:
        above, below = (of(f"{name}{slash}{layer}") for name in ("update_norm", "weight_norm"))
        return ratio(of(key), above, below, complete=complete)
    return together(kind, of(key), complete=complete)


@pytest.mark.parametrize("name", MAKERS)
def test_norms_of_the_parts_make_the_norm_of_the_whole(ranks: list[dict[str, Told]], name: str) -> None:
    told = [rank[name] for rank in ranks]
    truth = told[0].truth
    # The sum of n squares in fp32 is off by at most n half units in the last place, relative to itself; a ratio by
    # twice that. The update is the difference of two fp32 tensors, each entry exact but for one rounding.
    bound = 2 * told[0].entries * 2.0**-24

    keys = [key for key in truth[0][1] if key.partition("/")[0] in NORMS]
    assert len(keys) > len(NORMS)
    for key in keys:
        points = shown(told, key)
        assert points.steps.tolist() == list(range(1, STEPS + 1)), key
        for value, (_, row) in zip(points.values.tolist(), truth, strict=True):
            assert value == pytest.approx(row[key], rel=bound, abs=1e-7), key


@pytest.mark.parametrize("name", MAKERS)
def test_training_of_many_is_the_same_with_the_agent(ranks: list[dict[str, Told]], name: str) -> None:
    assert [rank[name].same for rank in ranks] == [(True, True)] * 2
    assert [rank[name].texts for rank in ranks] == [[], []]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("copies", 1),
        ("copies_of_shards", 1),
        ("shards_of_plain_sgd", 2),
        ("shards_beside_copies", 2),
        ("tensor_parallel", 2),
    ],
)
def test_every_rank_knows_how_many_hold_a_part(ranks: list[dict[str, Told]], name: str, parts: int) -> None:
    assert [rank[name].parts for rank in ranks] == [parts, parts]


def test_of_a_copied_model_the_others_send_their_loss_and_no_norms(ranks: list[dict[str, Told]]) -> None:
    first, second = (rank["copies"].rows for rank in ranks)

    assert len(series(first, "grad_norm/0.weight")) == STEPS
    assert len(series(second, "loss")) == STEPS
    assert not [key for _, row in second for key in row if key.partition("/")[0] in NORMS]


def names_of_runs(rank: int, folder: str) -> list[tuple[str, int, int, int]]:
    """Two runs of one kind, and one of another that only rank 1 makes in between."""
    given = {"mode": "offline", "dir": f"{folder}/{rank}", "silent": True}
    opened = [open_run(Settings.read({}, **given))]
    if rank:
        opened.append(open_run(Settings.read({}, project="other", **given)))
    opened.append(open_run(Settings.read({}, **given)))
    told = [(run.id, run._attempt.number, run._attempt.rank, run._attempt.world_size) for run in opened]
    for run in opened:
        run.abandon()
    return told


class Naming:
    """`names_of_runs` in a folder, as something that can be sent to another process."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def __call__(self, rank: int) -> list[tuple[str, int, int, int]]:
        return names_of_runs(rank, self._folder)


def test_all_ranks_of_a_process_group_record_one_run(tmp_path: Path) -> None:
    first, second = run_ranks(Naming(tmp_path))

    assert [one[:2] for one in first] == [second[0][:2], second[2][:2]]
    assert [one[2:] for one in first] == [(0, 2)] * 2
    assert [one[2:] for one in second] == [(1, 2)] * 3
    assert len({one[0] for one in second}) == 3


class WatchedByTheFirst:
    """A training of all ranks that only rank 0 watches."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder

    def __call__(self, rank: int) -> str:
        model = DistributedDataParallel(nn.Linear(2, 1))
        optimizer = SGD(model.parameters(), lr=0.1)
        run = None
        if not rank:
            run = ergoscope.watch(model, optimizer, base_url=self._url, dir=self._folder, silent=True)
        for _ in range(STEPS):
            optimizer.zero_grad()
            model(ones(4, 2)).square().mean().backward()
            optimizer.step()
        if run is None:
            return ""
        run.finish()
        return run.id


def test_a_rank_that_does_not_watch_is_never_seen_and_holds_nobody_up(server: FakeServer, tmp_path: Path) -> None:
    run, _ = run_ranks(WatchedByTheFirst(server.url, tmp_path))
    batches = [server.batches[key] for key in sorted(server.batches)]
    (begun,) = {batch.begun.started for batch in batches if batch.begun}
    store = Store(f"sqlite:///{tmp_path / 'store.db'}", clock=lambda: begun + LATE_S + 1)

    store.accept([arrival(batch) for batch in batches])

    assert [(rank.rank, rank.status, rank.last_step) for rank in store.ranks(run)] == [
        (0, "finished", STEPS),
        (1, "never seen", None),
    ]
    summary = store.summary(run)
    assert summary and summary.status == "finished"
    store.close()
