"""A watch over code that must not wait for a device."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class NoReading(TorchDispatchMode):
    """Refuses what would wait: numbers that are read, and shapes that follow from entries."""

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        """Run the operation, unless it waits."""
        waiting = (
            torch.ops.aten._local_scalar_dense,
            torch.ops.aten.nonzero,
            torch.ops.aten.is_nonzero,
            torch.ops.aten.equal,
        )
        assert func.overloadpacket not in waiting, f"{func} waits for the device"
        return func(*args, **(kwargs or {}))
