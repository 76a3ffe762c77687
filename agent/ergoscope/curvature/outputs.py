"""What a model gave, without the graph behind it: so that none lives longer because of us."""

from dataclasses import dataclass

from torch import Tensor
from torch.autograd.graph import Node

from ergoscope.curvature.given import tensors_in


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A tensor that a model gave, and what its node in the graph is known by.

    value: without a graph, in the job's own memory; version: its, when it was given.
    node: name of the node that made it, and its number, which a thread gives once; None where nothing is trained.
    place: which of the node's results it is.
    """

    value: Tensor
    version: int
    node: tuple[str, int] | None
    place: int

    @property
    def altered(self) -> bool:
        """Whether somebody has written over it since."""
        return self.value._version != self.version


def outputs_of(given: object) -> tuple[Output, ...]:
    """Take the tensors of what a model gave, in the order of `tensors_in`."""
    return tuple(_output(one) for one in tensors_in(given))


def mark(node: Node) -> tuple[str, int]:
    """What a node is known by, as long as it lives."""
    return node.name(), node._sequence_nr()


def _output(one: Tensor) -> Output:
    node = None if one.grad_fn is None else mark(one.grad_fn)
    return Output(one.detach(), one._version, node, one.output_nr)
