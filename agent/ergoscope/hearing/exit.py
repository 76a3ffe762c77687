"""Where the output of a model leaves it in the graph of one step."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from ergoscope.curvature.given import tensors_in
from ergoscope.curvature.guard import probing
from ergoscope.hearing.course import Place
from ergoscope.hearing.listening import KEYWORDS, compiled_in_place, take_away
from ergoscope.shards import is_spread

_DEPTH = 4  # containers within containers in which an input is looked for
Note = Callable[[object, object], None]


class Exit:
    """Notes the place in the graph at which one step's output of a model was made; the tensor itself is let go.

    The output is the tensor that the model returns, or its `logits`. Each of its rows must be an example: as many rows
    as a tensor that the model was given has, and no layer in it that is made for the batch in another dimension.
    """

    def __init__(self, model: nn.Module) -> None:
        """Look at what `model` is made of."""
        self.found: Place | str = ""
        self._model = model
        self._note: Note | None = None
        self._handle: RemovableHandle | None = None
        self._turned = any(getattr(module, "batch_first", True) is False for module in model.modules())

    def listen(self, guard: Callable[[Note], Note]) -> None:
        """Hear forward passes through `guard`, which makes entry points that cannot disturb training."""
        self._note = guard(self._left)

    def open(self) -> None:
        """Note the output of the next forward pass of the whole model."""
        self.close()
        self.found = "the forward pass of the watched model was not seen"
        if self._note is not None and not compiled_in_place(self._model):
            note = self._note

            def left(module: nn.Module, *told: object) -> None:  # positional arguments, keywords, the output
                if module is self._model:
                    note(told[:-1], told[-1])

            self._handle = register_module_forward_hook(left, **KEYWORDS)

    def close(self) -> None:
        """Note nothing more, and forget the place: it keeps a graph alive."""
        if self._handle is not None:
            take_away(self._handle)
            self._handle = None
        self.found = ""

    def _left(self, given: object, output: object) -> None:
        if probing() or torch._C._current_graph_task_id() != -1:
            return
        if isinstance(output, Tensor):
            tensor: object = output
        else:
            tensor = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
        if not isinstance(tensor, Tensor):
            self.found = "the model's output is no tensor and has no logits"
        elif tensor.grad_fn is not None:  # without one it is no pass of training
            self.found = self._place(tensor, given, seen=isinstance(self.found, Place))

    def _place(self, tensor: Tensor, given: object, *, seen: bool) -> Place | str:
        if seen:
            return "the model runs several times in one step"
        if is_spread(tensor) or tensor.is_nested or tensor.layout != torch.strided:
            return "the model's output is no plain tensor"
        if not tensor.dim() or len(tensor) < 2:
            return "the model's output has less than two rows"
        if self._turned:
            return "the model has layers with batch_first=False, so which dimension is the batch is not known"
        if not any(t.dim() and len(t) == len(tensor) for t in tensors_in(given, depth=_DEPTH)):
            return "no input of the model has as many rows as its output"
        assert tensor.grad_fn is not None
        return Place(tensor.grad_fn, tensor.output_nr, len(tensor))
