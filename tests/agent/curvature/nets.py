"""Small nets of each kind, with the Hessian of their loss taken entry by entry."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from ergoscope.curvature.outputs import outputs_of
from ergoscope.curvature.passes import Pass


class Attention(nn.Module):
    """One block of causal attention over 5 tokens of width 8, two heads."""

    def __init__(self) -> None:
        """Make its layers."""
        super().__init__()
        self.inner = nn.Linear(8, 24)
        self.outer = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, 5, 8) to logits (batch * 5, 3)."""
        query, key, value = self.inner(tokens).view(-1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        logits: Tensor = self.outer(mixed.transpose(1, 2).reshape(-1, 8))
        return logits


@dataclass(frozen=True, slots=True)
class Problem:
    """A model in training mode and its batch; the generators were at `seed` when the forward pass began."""

    model: nn.Module
    inputs: Tensor
    targets: Tensor
    seed: int = 5

    @property
    def parameters(self) -> list[Tensor]:
        """The leaves, in order."""
        return list(self.model.parameters())

    def output(self) -> Tensor:
        """Go forward, always with the same draws."""
        torch.manual_seed(self.seed)
        out: Tensor = self.model(self.inputs)
        return out

    def loss(self) -> Tensor:
        """Cross-entropy of the output."""
        return functional.cross_entropy(self.output(), self.targets)

    def passed(self, *, compiled: bool = False) -> tuple[Tensor, Pass]:
        """Go forward as a job does, the pass being heard; gives the loss as well."""
        torch.manual_seed(self.seed)
        states = ((torch.default_generator, torch.get_rng_state()),)
        model = torch.compile(self.model, backend="aot_eager") if compiled else self.model
        output = model(self.inputs)
        run = Pass(self.model, (self.inputs,), {}, (self.inputs._version,), outputs_of(output), states)
        return functional.cross_entropy(output, self.targets), run

    def vector(self) -> Tensor:
        """Any direction."""
        return torch.randn(sum(p.numel() for p in self.parameters), generator=torch.Generator().manual_seed(1))

    def hessian(self) -> Tensor:
        """Give ∂²L/∂w², shape (size, size), from the loss as a function of one flat vector."""
        names = [name for name, _ in self.model.named_parameters()]
        flat = torch.cat([p.detach().reshape(-1) for p in self.parameters])

        def of(vector: Tensor) -> Tensor:
            pieces = torch.split(vector, [p.numel() for p in self.parameters])
            weights = {n: v.view(p.shape) for n, v, p in zip(names, pieces, self.parameters, strict=True)}
            torch.manual_seed(self.seed)
            logits = torch.func.functional_call(self.model, weights, (self.inputs,))
            return functional.cross_entropy(logits, self.targets)

        with sdpa_kernel(SDPBackend.MATH):
            found = torch.autograd.functional.hessian(of, flat)
        assert isinstance(found, Tensor)
        return found


def mlp() -> Problem:
    """tanh, 6-7-3."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, 3))
    return Problem(model, torch.randn(20, 6), torch.randint(3, (20,)))


def conv() -> Problem:
    """A convolution with batch norm and dropout, in training mode."""
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.GELU(), nn.Dropout(0.3), nn.Flatten()
    return Problem(nn.Sequential(*layers, nn.Linear(64, 3)), torch.randn(12, 1, 4, 4), torch.randint(3, (12,)))


def transformer() -> Problem:
    """Fused causal attention."""
    torch.manual_seed(0)
    return Problem(Attention(), torch.randn(4, 5, 8), torch.randint(3, (20,)))


KINDS: dict[str, Callable[[], Problem]] = {"mlp": mlp, "conv": conv, "transformer": transformer}
