"""A fit by Lightning's own trainer, watched and not."""

import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.utils.data import DataLoader, TensorDataset

import ergoscope
from ergoscope_contract.records import Run
from tests.agent.fake_server import FakeServer
from tests.agent.integrations.recorded import steps, values
from tests.agent.jobs import everything, mlp

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed: ergoscope[lightning]")
    from ergoscope.integrations.lightning import ErgoscopeCallback, ErgoscopeLogger

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning gives advice by warnings


class Module(lightning.LightningModule):  # type: ignore[misc]  # its types are not followed
    """A small classifier; `fails_at` is the batch that raises."""

    def __init__(self, width: int = 16, fails_at: int = -1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = mlp()
        self.fails_at = fails_at

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        x, y = batch
        return F.cross_entropy(self(x), y)

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        if number == self.fails_at:
            raise RuntimeError("no luck")
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        self.log("val_loss", self.loss(batch))

    def test_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        self.log("test_loss", self.loss(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


class Manual(Module):
    """Steps two optimizers itself, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.loss(batch))
            self.clip_gradients(optimizer, 0.5, "norm")
            optimizer.step()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        first, last = self.net[0].parameters(), self.net[2].parameters()
        return [torch.optim.SGD(first, lr=0.1, momentum=0.9), torch.optim.Adam(last, lr=1e-2)]


def batches(count: int = 10) -> "DataLoader[tuple[Tensor, ...]]":
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(16 * count, 8, generator=generator), torch.randint(0, 4, (16 * count,), generator=generator)
    return DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)


def trainer(*callbacks: object, **options: object) -> "lightning.Trainer":
    plain = {
        "accelerator": "cpu",
        "max_epochs": 1,
        "logger": False,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    return lightning.Trainer(**plain | options, callbacks=list(callbacks))


def trained(kind: type[Module], *, watched: bool, **options: object) -> list[Tensor]:
    torch.manual_seed(3)
    module = kind()
    callbacks = [ErgoscopeCallback()] if watched else []
    fit = trainer(*callbacks, logger=ErgoscopeLogger() if watched else False, **options)
    fit.fit(module, batches(), batches(2))
    return everything(module, fit.optimizers)


FITS = {
    "plain": (Module, {}),
    "clipped and accumulated": (Module, {"gradient_clip_val": 0.1, "accumulate_grad_batches": 2, "max_epochs": 2}),
    "in bf16": (Module, {"precision": "bf16-mixed"}),
    "by hand": (Manual, {}),
}


@pytest.mark.parametrize("fit", FITS)
def test_a_fit_is_the_same_to_the_last_bit(fit: str, server: FakeServer) -> None:
    kind, options = FITS[fit]

    alone = trained(kind, watched=False, **options)
    watched = trained(kind, watched=True, **options)

    assert len(watched) == len(alone)
    assert all(torch.equal(a, b) for a, b in zip(watched, alone, strict=True))
    assert steps(server, "loss") == list(range(1, 11))


def test_the_callback_alone_measures_and_tells_the_configuration(server: FakeServer, about: Callable[[], Run]) -> None:
    callback = ErgoscopeCallback(project="mine", config={"dataset": "random"})
    trainer(callback, gradient_clip_val=0.5).fit(Module(width=32), batches())

    assert steps(server, "loss") == list(range(1, 11))
    assert [ending.how for ending in server.endings] == ["finished"]
    assert server.endings[0].last_step == 10
    assert (about().project, about().id) == ("mine", callback.run.id)
    config = about().config
    assert (config["dataset"], config["width"]) == ("random", 32)
    assert config["trainer"]["gradient_clip_val"] == 0.5
    assert "AdamW" in str(config["optimizers"])


def test_the_data_of_a_fit_is_told(about: Callable[[], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_SAVE_CODE", "1")
    trainer(ErgoscopeCallback()).fit(Module(), batches())

    told = [(facts["dataset"], facts.get("rows"), facts["shuffle"]) for facts in about().config["data"]]
    assert ("TensorDataset", 160, True) in told, told


def test_logger_and_callback_share_one_run(server: FakeServer, about: Callable[[], Run]) -> None:
    logger = ErgoscopeLogger(project="mine", config={"dataset": "random"})
    held = logger.experiment
    trainer(ErgoscopeCallback(), logger=logger).fit(Module(width=32), batches(), batches(2))

    assert len({(batch.run, batch.attempt) for batch in server.batches.values()}) == 1
    assert steps(server, "loss") == list(range(1, 11))
    assert steps(server, "train_loss") == list(range(10))
    assert steps(server, "val_loss") == [9]
    assert values(server, "loss") == pytest.approx(values(server, "train_loss"), rel=1e-6)
    assert [ending.how for ending in server.endings] == ["finished"]
    assert (about().config["dataset"], about().config["width"]) == ("random", 32)
    assert (logger.name, logger.version, logger.save_dir) == ("mine", about().id, None)
    assert held.id == about().id


def test_the_logger_alone_records_what_is_logged(server: FakeServer, about: Callable[[], Run]) -> None:
    logger = ErgoscopeLogger(name="calm-otter-41")
    fit = trainer(logger=logger)
    module = Module(width=32)
    fit.fit(module, batches())
    fit.test(module, batches(2))

    assert server.points("loss") == []
    assert steps(server, "train_loss") == list(range(10))
    assert len(server.points("test_loss")) == 1
    assert len({batch.run for batch in server.batches.values()}) == 1
    assert [ending.how for ending in server.endings] == ["finished", "finished"]
    assert (about().name, about().config["width"]) == ("calm-otter-41", 32)


def test_nothing_logged_is_no_run(server: FakeServer) -> None:
    logger = ErgoscopeLogger(run_id="known")

    trainer(logger=logger).predict(Module(), DataLoader(torch.zeros(4, 8)))

    assert logger.version == "known"
    assert server.batches == {}


@pytest.mark.parametrize(("logs", "measures"), [(True, True), (True, False), (False, True)])
def test_an_exception_ends_the_run_as_failed(logs: bool, measures: bool, server: FakeServer) -> None:
    callbacks = [ErgoscopeCallback()] if measures else []

    with pytest.raises(RuntimeError, match="no luck"):
        trainer(*callbacks, logger=ErgoscopeLogger() if logs else False).fit(Module(fails_at=4), batches())

    assert [(ending.how, ending.reason) for ending in server.endings] == [("failed", "RuntimeError: no luck")]
    assert len(server.points("loss")) == (4 if measures else 0)
    assert len(server.points("train_loss")) == (4 if logs else 0)


def test_a_fit_that_fails_before_it_begins_is_a_failed_run(server: FakeServer) -> None:
    with pytest.raises(RuntimeError, match="no luck"):
        trainer(logger=ErgoscopeLogger()).fit(Module(fails_at=0), batches())
    ErgoscopeLogger().finalize("aborted")

    reasons = [(ending.how, ending.reason) for ending in server.endings]
    assert reasons == [("failed", "RuntimeError: no luck"), ("failed", "Lightning says: aborted")]


@pytest.mark.parametrize("kind", [Module, Manual])
def test_a_fit_from_a_checkpoint_goes_on_at_its_step(kind: type[Module], server: FakeServer, tmp_path: Path) -> None:
    first = trainer()
    first.fit(kind(), batches())
    first.save_checkpoint(tmp_path / "kept.ckpt")

    again = trainer(ErgoscopeCallback(), max_epochs=2)
    again.fit(kind(), batches(), ckpt_path=tmp_path / "kept.ckpt")

    assert steps(server, "loss") == list(range(11, 21))


def test_a_second_fit_of_one_trainer_goes_on_in_the_run(server: FakeServer) -> None:
    fit, module = trainer(ErgoscopeCallback()), Module()
    fit.fit(module, batches())
    fit.fit_loop.max_epochs = 2
    fit.fit(module, batches())

    assert steps(server, "loss") == list(range(1, 21))
    assert len({batch.run for batch in server.batches.values()}) == 1


def test_ranks_other_than_zero_leave_the_rows_to_it(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 1)
    logger = ErgoscopeLogger()

    logger.log_hyperparams({"lr": 0.1})
    logger.log_metrics({"x": 1.0}, step=0)
    logger.experiment.log({"x": 1.0})
    logger.finalize("failed")

    assert logger.version is None
    assert server.batches == {}


@pytest.mark.parametrize("kind", [ErgoscopeCallback, ErgoscopeLogger])
def test_a_wrong_setting_raises_before_training(kind: Callable[..., object]) -> None:
    with pytest.raises(ergoscope.SettingError, match="there is no setting 'projet'; did you mean 'project'"):
        kind(projet="x")


FIT = """
import torch, warnings
warnings.simplefilter("ignore")
from ergoscope.integrations.lightning import ErgoscopeCallback, ErgoscopeLogger
import {package} as pl

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(2, 1)
    def training_step(self, batch, number):
        loss = self.net(batch).square().mean()
        self.log("train_loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

quiet = dict(enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, log_every_n_steps=1)
trainer = pl.Trainer(accelerator="cpu", max_steps=3, callbacks=[ErgoscopeCallback()], logger=ErgoscopeLogger(), **quiet)
trainer.fit(Module(), torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2))
"""


@pytest.mark.parametrize(
    ("package", "without"),
    [
        ("pytorch_lightning", ()),
        ("pytorch_lightning", ("lightning",)),
        ("lightning.pytorch", ("pytorch_lightning",)),
    ],
)
def test_either_of_lightnings_packages_will_do(
    package: str,
    without: tuple[str, ...],
    server: FakeServer,
    script: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    pytest.importorskip(package, reason=f"{package} is not installed")

    done = script(FIT.format(package=package), without=without)

    assert done.returncode == 0, done.stderr
    assert steps(server, "loss") == [1, 2, 3]
    assert steps(server, "train_loss") == [0, 1, 2]
    assert len({batch.run for batch in server.batches.values()}) == 1
