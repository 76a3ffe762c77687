"""A training by the Hugging Face Trainer, watched and not."""

import gc
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

import ergoscope
from ergoscope_contract.records import Run
from tests.agent.fake_server import FakeServer
from tests.agent.integrations.recorded import steps, values
from tests.agent.jobs import everything

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("transformers", reason="Transformers is not installed: ergoscope[transformers]")
    pytest.importorskip("accelerate", reason="Accelerate is not installed: ergoscope[transformers]")
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

    from ergoscope.integrations.transformers import ErgoscopeCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # of a library that deprecates much


class Text(Dataset[dict[str, Tensor]]):
    """Random tokens; reading example `fails_at` raises."""

    def __init__(self, count: int, fails_at: int = -1) -> None:
        self._tokens = torch.randint(0, 32, (count, 8), generator=torch.Generator().manual_seed(1))
        self._fails_at = fails_at

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        if number == self._fails_at:
            raise RuntimeError("no luck")
        return {"input_ids": self._tokens[number], "labels": self._tokens[number]}


def model() -> GPT2LMHeadModel:
    torch.manual_seed(3)
    return GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=8, n_embd=16, n_layer=1, n_head=2))


def trainer(*callbacks: object, fails_at: int = -1, **options: object) -> Trainer:
    plain = {
        "output_dir": "out",
        "use_cpu": True,
        "max_steps": 10,
        "per_device_train_batch_size": 4,
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    arguments = TrainingArguments(**plain | options)
    return Trainer(
        model(), arguments, train_dataset=Text(64, fails_at), eval_dataset=Text(8), callbacks=list(callbacks)
    )


TRAININGS = {
    "plain": {},
    "accumulated": {"gradient_accumulation_steps": 3},
    "in bf16": {"bf16": True},
    "evaluated on the way": {"eval_strategy": "steps", "eval_steps": 4, "lr_scheduler_type": "cosine"},
}


@pytest.mark.parametrize("training", TRAININGS)
def test_a_training_is_the_same_to_the_last_bit(training: str, server: FakeServer) -> None:
    results = []
    for callbacks in ([], [ErgoscopeCallback()]):
        job = trainer(*callbacks, **TRAININGS[training])
        job.train()
        results.append(everything(job.model, [job.optimizer]))
    alone, watched = results

    assert len(watched) == len(alone)
    assert all(torch.equal(a, b) for a, b in zip(watched, alone, strict=True))
    assert steps(server, "loss") == list(range(1, 11))


def test_losses_rows_and_configuration_arrive(server: FakeServer, about: Callable[[], Run]) -> None:
    callback = ErgoscopeCallback(project="mine", config={"dataset": "random"})
    trainer(callback, run_name="calm-otter-41", hub_token="s3cret", eval_strategy="steps", eval_steps=5).train()

    assert steps(server, "loss") == steps(server, "train/loss") == list(range(1, 11))
    # Some versions of the Trainer round what they log to four digits behind the point.
    assert values(server, "loss") == pytest.approx(values(server, "train/loss"), abs=1e-4)
    assert steps(server, "eval/loss") == [5, 10]
    assert len(server.points("train/learning_rate")) == 10
    assert steps(server, "train/train_runtime") == [10]
    assert (server.endings[0].how, server.endings[0].last_step) == ("finished", 10)
    assert (about().project, about().name, about().id) == ("mine", "calm-otter-41", callback.run.id)
    config = about().config
    assert (config["dataset"], config["max_steps"], config["model_config"]["n_embd"]) == ("random", 10, 16)
    assert "s3cret" not in str(config)
    assert "AdamW" in str(config["optimizers"])


def test_the_data_of_a_training_is_told_once(
    about: Callable[[], Run], server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SAVE_CODE", "1")
    gc.collect()  # what other tests have left

    trainer(ErgoscopeCallback(), max_steps=2).train()

    told = [facts for facts in about().config["data"] if facts["batch_size"] == 4]
    assert [(facts["dataset"], facts["shuffle"]) for facts in told] == [("tests.Text", True)]


def test_report_to_names_it_once_the_module_is_imported(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_PROJECT", "named")

    trainer(report_to="ergoscope").train()

    assert {batch.about.project for batch in server.batches.values() if batch.about} == {"named"}
    assert steps(server, "loss") == list(range(1, 11))


def test_a_training_from_a_checkpoint_goes_on_at_its_step(server: FakeServer) -> None:
    trainer(max_steps=4, save_strategy="steps", save_steps=4).train()

    trainer(ErgoscopeCallback(), max_steps=10).train(resume_from_checkpoint="out/checkpoint-4")

    assert steps(server, "loss") == list(range(5, 11))
    assert steps(server, "train/loss") == list(range(5, 11))


def test_what_is_evaluated_after_the_training_goes_on_in_its_run(server: FakeServer, about: Callable[[], Run]) -> None:
    job = trainer(ErgoscopeCallback())
    job.train()
    job.evaluate()

    assert steps(server, "eval/loss") == [10]
    assert len({batch.run for batch in server.batches.values()}) == 1
    assert [ending.how for ending in server.endings] == ["finished", "finished"]
    assert "AdamW" in str(about().config["optimizers"])


def test_an_evaluation_alone_is_a_run(server: FakeServer, about: Callable[[], Run]) -> None:
    trainer(ErgoscopeCallback()).evaluate()

    assert steps(server, "eval/loss") == [0]
    assert [ending.how for ending in server.endings] == ["finished"]
    assert about().config["model_config"]["n_embd"] == 16


def test_a_training_that_failed_is_ended_by_the_next_one(server: FakeServer) -> None:
    callback = ErgoscopeCallback()
    job = trainer(callback, fails_at=30)
    with pytest.raises(RuntimeError, match="no luck"):
        job.train()
    job.train_dataset = Text(64)
    job.train()

    assert [(ending.how, ending.reason) for ending in server.endings] == [
        ("failed", "the training did not reach its end"),
        ("finished", ""),
    ]
    assert len({batch.run for batch in server.batches.values()}) == 2


FAILS = """
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments
import ergoscope.integrations.transformers

class Text(torch.utils.data.Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, number):
        if number == 3:
            raise RuntimeError("no luck")
        return {"input_ids": torch.zeros(4, dtype=torch.long), "labels": torch.zeros(4, dtype=torch.long)}

model = GPT2LMHeadModel(GPT2Config(vocab_size=4, n_positions=4, n_embd=4, n_layer=1, n_head=1))
args = TrainingArguments(
    output_dir="out", use_cpu=True, per_device_train_batch_size=1, report_to="ergoscope", max_steps=8
)
def train():
    Trainer(model, args, train_dataset=Text()).train()
"""
CAUGHT = "try:\n    train()\nexcept RuntimeError:\n    "


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        ("train()", ": RuntimeError: no luck"),
        (f"{CAUGHT}pass", ""),
        (f"{CAUGHT}sys.exit(1)", ": exit status 1 after RuntimeError: no luck"),
        (f"{CAUGHT}raise SystemExit(1)", ""),
    ],
)
def test_a_training_that_an_exception_has_ended_is_failed_at_the_end_of_the_process_caught_or_not(
    tail: str, why: str, server: FakeServer, script: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    done = script(FAILS + tail)

    reason = f"the training did not reach its end{why}"
    assert [(ending.how, ending.reason) for ending in server.endings] == [("failed", reason)], done.stderr


def test_the_run_can_be_ended_where_the_exception_is_caught(server: FakeServer) -> None:
    callback = ErgoscopeCallback()
    try:
        trainer(callback, fails_at=30).train()
    except RuntimeError as error:
        callback.run.finish(reason=str(error))

    assert [(ending.how, ending.reason) for ending in server.endings] == [("failed", "no luck")]


def test_ranks_other_than_zero_leave_the_rows_to_it(server: FakeServer) -> None:
    class Elsewhere(TrainerCallback):  # type: ignore[misc]  # its types are not followed
        def on_init_end(self, args: object, state: object, control: object, **kwargs: object) -> None:
            state.is_world_process_zero = False

        on_train_begin = on_init_end

    trainer(Elsewhere(), ErgoscopeCallback()).train()

    assert len(server.points("loss")) == 10
    assert server.points("train/loss") == []


def test_a_trial_of_a_search_is_named_as_the_search_names_it(about: Callable[[], Run]) -> None:
    class Trial(TrainerCallback):  # type: ignore[misc]  # its types are not followed
        def on_train_begin(self, args: object, state: object, control: object, **kwargs: object) -> None:
            state.trial_name = "trial-7"

    trainer(Trial(), ErgoscopeCallback(), run_name="search").train()

    assert (about().name, about().group) == ("trial-7", "search")


def test_a_wrong_setting_raises_before_training() -> None:
    with pytest.raises(ergoscope.SettingError, match="there is no setting 'projet'; did you mean 'project'"):
        ErgoscopeCallback(projet="x")


def test_it_leaves_no_file_of_its_own(tmp_path: Path) -> None:
    trainer(ErgoscopeCallback()).train()

    assert {path.name for path in tmp_path.iterdir()} <= {"agent", "out"}
