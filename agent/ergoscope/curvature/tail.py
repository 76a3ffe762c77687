"""The part of a loss that follows the model's output, taken from the job's own graph without entering the model."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, Node

from ergoscope.curvature.given import tensors_in
from ergoscope.curvature.graph import TOO_MANY, Obstacle, objection_to
from ergoscope.curvature.outputs import Output, mark
from ergoscope.curvature.passes import Pass


def heads(loss: Tensor, outputs: Sequence[Output]) -> list[int]:
    """Find the tensors that a loss comes from first, so that nothing else of what made them is in it.

    A model may give its loss itself, beside the logits: then the loss alone is meant.

    Returns:
        Places in `outputs`, in rising order.

    Raises:
        ValueError: The loss comes from something that was made together with an output, or from too much.

    Example:
        >>> from ergoscope.curvature.outputs import outputs_of
        >>> w = torch.ones(2, requires_grad=True)
        >>> logits = w * 2
        >>> heads(logits.sum() / 2, outputs_of([w * 3, logits]))
        [1]
    """
    return sorted(_cut(loss, outputs)[0])


def seam(loss: Tensor, run: Pass, parameters: Sequence[Tensor]) -> tuple[dict[int, GradientEdge], list[Node]]:
    """Find where in its graph a loss comes out of a model.

    Args:
        loss: As the job is about to go backward from it.
        run: The forward pass that it came from.
        parameters: Those that are looked at.

    Returns:
        For each tensor of the output that the loss comes from, in the order of `tensors_in`, its place in the graph;
        and the nodes behind these.

    Raises:
        ValueError: Inputs or outputs of the pass were changed, or not all of the loss comes from its output.
    """
    found, between = _cut(loss, run.outputs)
    if run.altered or any(run.outputs[n].altered for n in found):
        raise ValueError("the model's inputs or outputs were changed in place, so its forward pass cannot be repeated")
    if not found:
        raise ValueError("the loss does not come from the model's output, so its tail cannot be told from the model")
    if _leaves(between) & {id(p) for p in parameters}:
        raise ValueError("a part of the loss reaches parameters by another way than the model's output")
    return found, between


def _cut(loss: Tensor, outputs: Sequence[Output]) -> tuple[dict[int, GradientEdge], list[Node]]:
    """Find the heads of a loss, each with its place in the graph, and the nodes between."""
    made: dict[tuple[str, int], dict[int, int]] = {}
    for number, one in enumerate(outputs):
        if one.node is not None:
            made.setdefault(one.node, {}).setdefault(one.place, number)
    found, between = dict[int, GradientEdge](), list[Node]()
    open_ = [] if loss.grad_fn is None else [(loss.grad_fn, loss.output_nr)]
    seen = set(open_)
    for node, result in open_:  # grows while it is walked
        results = made.get(mark(node))
        if results is None:
            between.append(node)
            fresh = [(n, r) for n, r in node.next_functions if n is not None and (n, r) not in seen]
            seen.update(fresh)
            open_ += dict.fromkeys(fresh)
        elif result in results:
            found[results[result]] = GradientEdge(node, result)
        else:
            raise ValueError("the loss comes from something that the model made beside its output")
        if len(open_) > TOO_MANY:
            raise ValueError(Obstacle.TOO_LARGE)
    return found, between


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """What follows the model's output z in a loss f(z): its slope g = ∂f/∂z and the products u -> H_f u.

    chosen: which tensors of the output it is made of, numbers in the order of `tensors_in`.
    outputs: these, without a graph; edges: where in the graph they are; slopes: g for each, with a graph.
    """

    chosen: tuple[int, ...]
    outputs: tuple[Tensor, ...]
    edges: tuple[GradientEdge, ...]
    slopes: tuple[Tensor, ...]

    @classmethod
    def of(cls, loss: Tensor, run: Pass, parameters: Sequence[Tensor]) -> "Tail":
        """Take it from the job's own graph, which stays as it is.

        Args:
            loss: As the job is about to go backward from it.
            run: The forward pass that it came from.
            parameters: Over which the Hessian is taken.

        Raises:
            ValueError: Inputs or outputs of the pass were changed, or not all of the loss comes from its output, or no
                pass but the job's own may go through what is between.
        """
        found, between = seam(loss, run, parameters)
        names: dict[type, list[str]] = {}
        reason = next((text for node in between if (text := objection_to(node, names))), "")
        if reason:
            raise ValueError(f"{reason}, and that behind the model's output")
        chosen = tuple(sorted(found))
        edges = tuple(found[n] for n in chosen)
        if _chained(edges):
            raise ValueError("the loss comes from outputs of the model that follow from one another")
        with torch.enable_grad():
            slopes = torch.autograd.grad(loss, edges, create_graph=True)
        return cls(chosen, tuple(run.outputs[n].value for n in chosen), edges, slopes)

    def products(self, vectors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Give H_f u for u, one tensor for each output; zero where the loss is linear in it."""
        curved = [s for s in self.slopes if s.requires_grad]
        if not curved:
            return tuple(torch.zeros_like(v) for v in vectors)
        along = [v for v, s in zip(vectors, self.slopes, strict=True) if s.requires_grad]
        found = torch.autograd.grad(curved, self.edges, along, retain_graph=True, allow_unused=True)
        return tuple(torch.zeros_like(v) if f is None else f for f, v in zip(found, vectors, strict=True))

    def repeated(self, run: Pass) -> list[Tensor]:
        """Run the model again, inside a guard: its outputs z'."""
        everything = tensors_in(run.again())
        return [everything[n] for n in self.chosen]

    def moves(self, again: Sequence[Tensor]) -> list[Tensor]:
        """Give z' - z, where z is what the job's own pass gave."""
        return [new - old for new, old in zip(again, self.outputs, strict=True)]


def _leaves(nodes: Sequence[Node]) -> set[int]:
    """Ids of the leaves at the ends of a graph."""
    return {id(getattr(node, "variable", None)) for node in nodes}  # other kinds of nodes have none


def _chained(edges: Sequence[GradientEdge]) -> bool:
    """Whether one of several tensors is made of another."""
    made = {edge.node for edge in edges}
    seen = {below for node in made for below, _ in node.next_functions} if len(made) > 1 else set()
    open_ = list(seen)
    for node in open_:  # grows while it is walked
        if node in made:
            return True
        fresh = {below for below, _ in node.next_functions} - seen if node is not None else set()
        seen |= fresh
        open_ += fresh
        if len(open_) > TOO_MANY:
            raise ValueError(Obstacle.TOO_LARGE)
    return False
