"""Peers of the overhead benchmark, each recording about what its users record; absent ones are left out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

from torch import Tensor

from benchmarks.nets import Job

AfterStep = Callable[[int, Tensor], None]


def tensorboard_norms(job: Job, folder: str) -> AbstractContextManager[AfterStep]:
    """Write the loss and each parameter's weight and gradient norm to TensorBoard, every step."""
    return _tensorboard(job, f"{folder}/norms", "add_scalar", lambda tensor: tensor.norm().item())


def tensorboard_histograms(job: Job, folder: str) -> AbstractContextManager[AfterStep]:
    """Write the loss and each parameter's weight and gradient histogram to TensorBoard, every step."""
    return _tensorboard(job, f"{folder}/histograms", "add_histogram", lambda tensor: tensor)


@contextmanager
def _tensorboard(job: Job, folder: str, verb: str, of: Callable[[Tensor], object]) -> Iterator[AfterStep]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    add: Callable[[str, object, int], None] = getattr(writer, verb)
    add_scalar: Callable[[str, float, int], None] = writer.add_scalar

    def after(step: int, loss: Tensor) -> None:
        add_scalar("loss", loss.item(), step)
        for name, parameter in job.model.named_parameters():
            add(f"weight/{name}", of(parameter.detach()), step)
            if parameter.grad is not None:
                add(f"grad/{name}", of(parameter.grad), step)

    yield after
    writer.close()  # type: ignore[no-untyped-call]  # torch leaves it untyped


@contextmanager
def wandb_watch(job: Job, folder: str) -> Iterator[AfterStep]:
    """`wandb.watch(log="all", log_freq=1)` with the loss logged, offline."""
    import wandb

    run = wandb.init(mode="offline", dir=folder, settings=wandb.Settings(silent=True, console="off"))
    run.watch(job.model, log="all", log_freq=1)
    yield lambda _step, loss: run.log({"loss": loss.item()})
    run.finish()


PEERS: dict[str, Callable[[Job, str], AbstractContextManager[AfterStep]]] = {}
if find_spec("tensorboard"):
    PEERS["TensorBoard norms"] = tensorboard_norms
    PEERS["TensorBoard histograms"] = tensorboard_histograms
if find_spec("wandb"):
    PEERS["wandb.watch"] = wandb_watch
