"""Text that every machine has, the standard library's own source, and a small GPT."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from ergoscope.demo.task import Task

CONTEXT = 64
WIDTH = 128
HEADS = 4
LAYERS = 3
BATCH = 16
LR = 3e-3


class Block(nn.Module):
    """One transformer block: causal attention, then a feed-forward net, each behind a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attend = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = self.attend(self.norm1(x)).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        out: Tensor = x + self.down(nn.functional.gelu(self.up(self.norm2(x))))
        return out


class SmallGpt(nn.Module):
    """Bytes in, next byte out: shapes (batch, length) to (batch, length, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(256, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 256, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places.weight[: tokens.shape[1]]
        out: Tensor = self.head(self.norm(self.blocks(x)))
        return out


def library_text(limit: int = 4_000_000) -> Tensor:
    """Read the first `limit` bytes of the standard library's modules in name order, as uint8, shape (n,)."""
    root = Path(sysconfig.get_paths()["stdlib"])
    text = bytearray()
    for path in sorted(root.glob("*.py")):
        text += path.read_bytes()
        if len(text) >= limit:
            break
    return torch.frombuffer(text[:limit], dtype=torch.uint8)


def text_batches(*, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw stretches of text for ever; the target is the text one byte later."""
    text = library_text()
    generator = torch.Generator().manual_seed(seed)
    reach = torch.arange(CONTEXT + 1)
    while True:
        start = torch.randint(len(text) - CONTEXT - 1, (size, 1), generator=generator)
        window = text[start + reach].long()
        yield window[:, :-1], window[:, 1:]


def _next_byte_loss(logits: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def text(*, steps: int, seed: int) -> Task:
    """AdamW with a linear warm-up over the first tenth of the run, then constant."""
    torch.manual_seed(seed)
    model = SmallGpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=(0.9, 0.95), weight_decay=0.1)
    warm_up = max(1, min(300, steps // 10))
    return Task(
        name="text-gpt-adamw",
        model=model,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, 1.0, total_iters=warm_up),
        batches=text_batches(size=BATCH, seed=seed),
        loss=_next_byte_loss,
        config={"task": "text", "batch": BATCH, "context": CONTEXT, "seed": seed, "steps": steps, "warm_up": warm_up},
    )
