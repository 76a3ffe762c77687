"""Peers of the overhead benchmark, each recording about what its users record; absent ones are left out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

from torch import Tensor, nn

from benchmarks.nets import Job

Step = Callable[[int], object]
Peer = Callable[[Job, str], AbstractContextManager[Step]]


def peers_for(job: Job) -> dict[str, Peer]:
    """Give the peers that are installed and can watch such a job."""
    peers: dict[str, Peer] = {}
    if find_spec("tensorboard"):
        peers["TensorBoard norms"] = tensorboard_norms
        peers["TensorBoard histograms"] = tensorboard_histograms
    if find_spec("wandb"):
        peers["wandb.watch"] = wandb_watch
    if find_spec("torch_module_monitor"):
        peers["torch-module-monitor norms"] = module_monitor
    if find_spec("cockpit") and isinstance(job.model, nn.Sequential):
        peers["Cockpit economy"] = cockpit_economy
    return peers


def tensorboard_norms(job: Job, folder: str) -> AbstractContextManager[Step]:
    """Write the loss and each parameter's weight and gradient norm to TensorBoard, every step."""
    return _tensorboard(job, f"{folder}/norms", "add_scalar", lambda tensor: tensor.norm().item())


def tensorboard_histograms(job: Job, folder: str) -> AbstractContextManager[Step]:
    """Write the loss and each parameter's weight and gradient histogram to TensorBoard, every step."""
    return _tensorboard(job, f"{folder}/histograms", "add_histogram", lambda tensor: tensor)


@contextmanager
def _tensorboard(job: Job, folder: str, verb: str, of: Callable[[Tensor], object]) -> Iterator[Step]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder)
    add: Callable[[str, object, int], None] = getattr(writer, verb)
    add_scalar: Callable[[str, float, int], None] = writer.add_scalar

    def do(step: int) -> None:
        add_scalar("loss", job.step().item(), step)
        for name, parameter in job.model.named_parameters():
            add(f"weight/{name}", of(parameter.detach()), step)
            if parameter.grad is not None:
                add(f"grad/{name}", of(parameter.grad), step)

    yield do
    writer.close()


@contextmanager
def wandb_watch(job: Job, folder: str) -> Iterator[Step]:
    """`wandb.watch(log="all", log_freq=1)` with the loss logged, offline."""
    import wandb

    run = wandb.init(mode="offline", dir=folder, settings=wandb.Settings(silent=True, console="off"))
    run.watch(job.model, log="all", log_freq=1)
    yield lambda _step: run.log({"loss": job.step().item()})
    run.finish()


@contextmanager
def module_monitor(job: Job, folder: str) -> Iterator[Step]:
    """torch-module-monitor, its norms of activations, parameters and gradients at every step, kept in memory."""
    from torch_module_monitor import ModuleMonitor

    del folder
    monitor = ModuleMonitor(monitor_step_fn=lambda _step: True)
    monitor.set_module(job.model)
    monitor.add_activation_metric("norm", lambda x: x.norm())
    monitor.add_parameter_metric("norm", lambda x: x.norm())
    monitor.add_gradient_metric("norm", lambda x: x.norm())

    def do(step: int) -> object:
        monitor.begin_step(step)
        job.step()
        monitor.monitor_parameters()
        monitor.monitor_gradients()
        monitor.end_step()
        return monitor.get_step_metrics()

    yield do


@contextmanager
def cockpit_economy(job: Job, folder: str) -> Iterator[Step]:
    """Cockpit with its cheapest set of quantities at every step."""
    from backpack import extend
    from cockpit import Cockpit
    from cockpit.utils.configuration import configuration

    del folder
    model, mean = extend(job.model), extend(nn.CrossEntropyLoss())
    each = nn.CrossEntropyLoss(reduction="none")
    cockpit = Cockpit(model.parameters(), quantities=configuration("economy"))

    def do(step: int) -> None:
        job.optimizer.zero_grad()
        logits = model(job.inputs)
        loss = mean(logits, job.targets)
        info = {
            "batch_size": len(job.targets),
            "individual_losses": each(logits, job.targets).detach(),
            "loss": loss,
            "optimizer": job.optimizer,
        }
        with cockpit(step, info=info):
            loss.backward(create_graph=cockpit.create_graph(step))
        job.optimizer.step()

    yield do
