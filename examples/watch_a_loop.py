"""The one line that a training loop needs: `run = ergoscope.watch(model, optimizer)`."""

import torch
from torch import nn

import ergoscope


def main(steps: int = 500) -> None:
    """Fit a small net to a noisy sine and log a number of our own beside what is measured by itself."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    run = ergoscope.watch(model, optimizer, project="examples", name="sine", config={"noise": 0.1})
    for step in range(steps):
        x = torch.rand(64, 1) * 6 - 3
        y = x.sin() + 0.1 * torch.randn_like(x)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        if step % 100 == 0:
            error = (model(x) - x.sin()).abs().max()
            run.log({"val/largest_error": float(error.detach())}, step=step)
    run.finish()


if __name__ == "__main__":
    main()
