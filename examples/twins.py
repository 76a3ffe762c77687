"""Twins: how much does one training example matter to what a run comes to in the long run?

    ergoscope twins --replace 1 examples/twins.py         # --draws 3 replaces three different ones, by turns

The script is an ordinary one: it passes its training examples through `ergoscope.twin`, which gives them back as they
are unless the command above has started it, and gives the agent a batch that it never trains on, with the loss of each
example. Everything else is the command's: equal seeds, one example replaced, and what became of the difference.
"""

import argparse

import torch
from torch import Tensor, nn

import ergoscope

Data = tuple[Tensor, Tensor]


def make_data(n: int, law: Tensor) -> Data:
    """Draw points and on which side of a noisy line they lie."""
    inputs = torch.randn(n, len(law))
    return inputs, ((inputs @ law + 0.5 * torch.randn(n)) > 0).float()


def losses(model: nn.Module, data: Data) -> Tensor:
    """Give the loss of each example."""
    return nn.functional.binary_cross_entropy_with_logits(model(data[0])[:, 0], data[1], reduction="none")


def main(steps: int, examples: int) -> None:
    """Train a small net for a while."""
    torch.manual_seed(0)
    law = torch.randn(8)
    training, test = ergoscope.twin(make_data(examples, law)), make_data(64, law)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=0.01)
    run = ergoscope.watch(model, optimizer, probe=test, loss_fn=losses, project="twins")
    for _ in range(steps):
        chosen = torch.randint(len(training[0]), (16,))
        optimizer.zero_grad()
        losses(model, (training[0][chosen], training[1][chosen])).mean().backward()
        optimizer.step()
    run.finish()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--examples", type=int, default=100)
    given = parser.parse_args()
    main(given.steps, given.examples)
