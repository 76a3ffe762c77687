"""Silent units of the nonlinearities."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.findings import Column, Findings
from ergoscope.hearing.listening import Ear
from ergoscope.hearing.units import Nonlinearity, nonlinearities, silence
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading

_WINDOW = 16  # looks at which a unit must have been silent to be called dead


Call = tuple[int, int]  # number of a nonlinearity, and the how manieth call of it in a forward pass


class ActivationProbe:
    """Share of zeros after each nonlinearity, and share of units that were silent at 16 looks in a row.

    A look is one training step; of a large output the first examples are taken. With several forward passes a step all
    count. A module that is called several times before a backward pass, as a network's only ReLU is, counts as several:
    "relu", "relu.2" and so on. Units of a smooth nonlinearity are silent below 1e-3 of the layer's root mean square.
    Nonlinearities that are functions instead of modules, and compiled models, are not seen.
    """

    produces: ClassVar[tuple[str, ...]] = ("zero_fraction", "dead_unit_rate", "dead_unit_examples")

    def __init__(self, model: nn.Module) -> None:
        """Find the nonlinearities of `model`."""
        self._layers = nonlinearities(model)
        self._calls: dict[int, int] = {}  # of each nonlinearity in this forward pass
        self._zeros: dict[Call, list[Tensor]] = {}
        self._entries: dict[Call, int] = {}
        self._alive: dict[Call, Tensor] = {}
        self._examples: dict[Call, int] = {}
        self._looks = 0
        self._kinds: dict[tuple[Call, ...], int] = {}

    def arm(self, ear: Ear) -> None:
        """Listen to the next step's forward passes."""
        self._calls, self._zeros, self._entries = {}, {}, {}
        for number, layer in enumerate(self._layers):
            ear.to_output(layer.module, self._listener(number, layer))

    def pass_ends(self) -> None:
        """A backward pass begins: what is called from now on belongs to another forward pass."""
        if self._calls:
            self._calls = {}

    def _listener(self, number: int, layer: Nonlinearity) -> Callable[[Tensor], None]:
        def hear(output: Tensor) -> None:
            found = silence(output, channels=layer.channels, faint=layer.faint)
            if found is None:
                return
            call = number, self._calls.get(number, 0)
            self._calls[number] = call[1] + 1
            self._zeros.setdefault(call, []).append(found.zeros)
            self._entries[call] = self._entries.get(call, 0) + found.entries
            before = self._alive.get(call)
            fits = before is not None and before.shape == found.alive.shape and before.device == found.alive.device
            self._alive[call] = before | found.alive if fits and before is not None else found.alive
            self._examples[call] = (self._examples[call] if fits else 0) + found.examples

        return hear

    def measure(self, moment: Moment) -> Reading | None:
        """What was heard since the last call; whether units are dead only at every 16th."""
        del moment
        heard = sorted(self._zeros)
        if not heard:
            return None
        values = [torch.stack(self._zeros[n]).sum() for n in heard]
        entries = [self._entries[n] for n in heard]
        self._zeros, self._entries = {}, {}
        self._looks += 1
        judged: list[Call] = []
        examples = 0
        if self._looks % _WINDOW == 0:
            judged = sorted(self._alive)
            values += [(~self._alive[n]).sum() for n in judged]
            examples = min(self._examples[n] for n in judged)
        units = [self._alive[n].numel() for n in judged]
        if judged:
            self._alive, self._examples = {}, {}
        return Reading(values, partial(self._read, heard, entries, judged, units, examples))

    def _read(
        self,
        heard: list[Call],
        entries: list[int],
        judged: list[Call],
        units: list[int],
        examples: int,
        values: Sequence[float],
        findings: Findings,
    ) -> None:
        self._publish("zero_fraction", heard, values[: len(heard)], entries, findings)
        if judged:
            self._publish("dead_unit_rate", judged, values[len(heard) :], units, findings)
            findings.scalars["dead_unit_examples"] = float(examples)

    def _publish(
        self, metric: str, layers: list[Call], counts: Sequence[float], sizes: list[int], findings: Findings
    ) -> None:
        findings.scalars[metric] = sum(counts) / sum(sizes)
        layout = self._kinds.setdefault(tuple(layers), -1 - len(self._kinds))
        names = [self._name(*call) for call in layers]
        shares = [count / size for count, size in zip(counts, sizes, strict=True)]
        findings.columns.append(Column(metric, layout, names, shares))

    def _name(self, number: int, call: int) -> str:
        name = self._layers[number].name or "model"
        return f"{name}.{call + 1}" if call else name
