"""The first backward pass of a step: from which loss it goes, and from which forward pass that loss came."""

from dataclasses import dataclass

from torch import Tensor, nn

from ergoscope.curvature.passes import Pass
from ergoscope.hearing.forward import FSDP, ForwardPasses
from ergoscope.hearing.listening import Guard
from ergoscope.hearing.registrations import Registrations


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The loss that a job is about to go backward from.

    run: the forward pass that it comes from, or why that is not known; empty when nobody has listened.
    """

    loss: Tensor
    run: Pass | str


class FirstBackward:
    """Hears of single steps from which one loss the job goes backward first, and whether it hooks what is on the way.

    Several processes that all hear the same step may look at a model that they hold together; what FSDP puts on the way
    is then no hook of the job's.
    """

    def __init__(self, model: nn.Module, *, together: bool = False) -> None:
        """Begin without having heard a pass.

        Args:
            model: As the user has it.
            together: Whether what is heard is only ever repeated by all processes at once.
        """
        self._forward = ForwardPasses(model, together=together)
        self._registrations = Registrations(but=FSDP if together else "")
        self._listening = False

    def listen(self, guard: Guard) -> None:
        """Hear forward passes through `guard`."""
        self._forward.listen(guard)

    def open(self, *, forward: bool) -> None:
        """A step is over: hear the next one; `forward` if also its forward passes."""
        self.close()
        self._registrations.open()
        self._listening = True
        if forward:
            self._forward.open()

    def close(self) -> None:
        """Hear no more, neither forward passes nor whether the job puts hooks on gradients."""
        self._registrations.close()
        self._forward.close()
        self._listening = False

    def take(self, roots: object, *, number: int, plain: bool) -> Origin | None:
        """Give where a backward pass goes from, and close; None when it is not the first, or not listened to.

        Args:
            roots: What `torch.autograd.backward` was given.
            number: The how manieth pass of the step it is, from 1.
            plain: Whether it is not compiled, and given nothing else that changes what comes out.

        Raises:
            ValueError: It is not one loss, or the job would see another pass through its graph.
        """
        try:
            if not self._listening or number != 1:
                return None
            loss = roots[0] if isinstance(roots, (tuple, list)) and len(roots) == 1 else roots
            if not plain or not isinstance(loss, Tensor) or loss.numel() != 1:
                raise ValueError("the backward pass is compiled, or told more than one loss")
            if self._registrations.seen:
                raise ValueError("the job hooks gradients inside its graph")
            return Origin(loss, self._forward.take(loss))
        finally:
            self.close()
