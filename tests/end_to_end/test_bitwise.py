"""Watching changes not one bit of a training."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import ergoscope
from ergoscope.demo.task import train
from ergoscope.demo.tasks import build
from ergoscope.sidecar.spool import START, frames
from ergoscope_contract.codec import decode
from ergoscope_contract.columns import unpack


def trained(name: str, *, steps: int, folder: Path | None) -> bytes:
    """Give every bit that training changed: weights, buffers, optimizer and schedule state, and the generator."""
    torch.use_deterministic_algorithms(True)
    task = build(name, steps=steps, seed=3)
    run = None
    if folder is not None:
        run = ergoscope.watch(task.model, task.optimizer, project="bits", name=name, mode="offline", dir=str(folder))
    train(task, steps=steps)
    if run is not None:
        run.finish()
        assert run.folder is not None
        assert steps_recorded(run.folder) == list(range(1, steps + 1))
    kept = [task.model.state_dict(), task.optimizer.state_dict(), task.schedule.state_dict(), torch.get_rng_state()]
    # The C pickler writes equal tensors as equal bytes, and NaN bit for bit.
    out = io.BytesIO()
    pickle.dump([_bits(part) for part in kept], out)
    return out.getvalue()


def steps_recorded(spool: Path) -> list[int]:
    """Give the steps at which the spool has a loss: proof that the agent was awake all the time."""
    columns = [c for frame in frames(spool, START) for c in unpack(decode(frame.data)).columns if c.key == "loss"]
    return sorted(int(step) for column in columns for step in np.frombuffer(column.steps, dtype="<i8"))


def _bits(part: object) -> object:
    if isinstance(part, torch.Tensor):
        return (str(part.dtype), tuple(part.shape), part.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    if isinstance(part, dict):
        return [(str(key), _bits(value)) for key, value in part.items()]
    if isinstance(part, list | tuple):
        return [_bits(value) for value in part]
    return repr(part)


@pytest.mark.parametrize(("name", "steps"), [("digits", 120), ("text", 12), ("diverge", 120)])
def test_training_is_bitwise_equal_with_the_agent_on_and_off(name: str, steps: int, tmp_path: Path) -> None:
    alone = trained(name, steps=steps, folder=None)

    watched = trained(name, steps=steps, folder=tmp_path)

    assert watched == alone
