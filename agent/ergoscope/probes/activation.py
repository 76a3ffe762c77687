"""Silent units of the nonlinearities, and how their outputs are spread."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.findings import Column, Findings
from ergoscope.hearing.listening import Ear
from ergoscope.hearing.units import Nonlinearity, nonlinearities, silence
from ergoscope.layers import Moment
from ergoscope.numerics.histogram import count_exponents, to_histogram
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
        names = [_name(self._layers, call) for call in layers]
        shares = [count / size for count, size in zip(counts, sizes, strict=True)]
        findings.columns.append(Column(metric, layout, names, shares))


class ActivationHistogramProbe:
    """Histogram over binary exponents of the outputs of one nonlinearity; the next look takes the next one.

    Calls are told apart as `ActivationProbe` does, and each has its turn. Over the forward passes of a step counts
    add up. Of more than 32,768 entries of an output every n-th is looked at.
    """

    produces: ClassVar[tuple[str, ...]] = ("activation_hist",)

    def __init__(self, model: nn.Module) -> None:
        """Find the nonlinearities of `model`; begin with the first."""
        self._layers = nonlinearities(model)
        self._calls: dict[int, int] = {}  # of each nonlinearity in this forward pass
        self._heard: set[Call] = set()  # ever
        self._turn: Call = (-1, 0)
        self._counts: list[Tensor] = []
        self._size = 0

    def arm(self, ear: Ear) -> None:
        """Listen to the next step's forward passes: to those that were heard before, one after the other."""
        self._calls, self._counts, self._size = {}, [], 0
        later = [call for call in self._heard if call > self._turn]
        self._turn = min(later) if later else (0, 0)
        for number, layer in enumerate(self._layers):
            ear.to_output(layer.module, partial(self._hear, number))

    def pass_ends(self) -> None:
        """A backward pass begins: what is called from now on belongs to another forward pass."""
        self._calls = {}

    def _hear(self, number: int, output: Tensor) -> None:
        if not output.is_floating_point() or not output.numel():
            return
        call = number, self._calls.get(number, 0)
        self._calls[number] = call[1] + 1
        self._heard.add(call)
        if call == self._turn:
            self._counts.append(count_exponents(output))
            self._size += output.numel()

    def measure(self, moment: Moment) -> Reading | None:
        """The counts since the last call."""
        del moment
        counts, self._counts = self._counts, []
        if not counts:
            return None
        name = _name(self._layers, self._turn)
        return Reading(torch.stack(counts).sum(0), partial(_read_histogram, name, self._size))


def _read_histogram(name: str, size: int, values: Sequence[float], findings: Findings) -> None:
    findings.records.append(to_histogram(values, key=f"activation_hist/{name}", step=findings.step, size=size))


def _name(layers: Sequence[Nonlinearity], call: Call) -> str:
    name = layers[call[0]].name or "model"
    return f"{name}.{call[1] + 1}" if call[1] else name
