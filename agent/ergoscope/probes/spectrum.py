"""The whole spectrum of the Hessian: how large it is, how its eigenvalues lie, and how many stand alone.

A reading is made of the newest 5 draws, each a run of Lanczos from a random direction: once five are there, each new
one brings a reading, which shares four with the one before. On a fixed batch a draw has 20 products and a look makes 4
of them, measured as ten to twenty training steps' time, so that no step is held up for long: a reading takes 5 looks,
the first one 25. Of five draws the standard error is itself known to a third. Ten products would not tell ten outliers
from a bulk, more than twenty would be lost to the drift of the weights. On the training's own batch the Hessian is
another one at each step, so that a draw is made in one look: of 10 products, which take twenty to thirty-five steps'
time, so that after 5 looks each is a reading. Of several blocks each reading is of five draws of its own.

A draw keeps a vector of the parameters' size for each product. Where there is no room for 20, it has 10; where there is
none for 10 either, 20 draws of one product each, 4 a look, tell trace and norm alone.

What is made of the steepest directions takes next to nothing more. The last update is known where a look that ends a
draw comes right after a step: then a copy of the weights is made before that step, and kept until the look. Of the
directions themselves only sketches are kept, until the first reading that shares no draw with theirs.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.last_step import LastStep
from ergoscope.curvature.overlap import Steepest, steepest_of
from ergoscope.curvature.room import lasting, needed, spare
from ergoscope.curvature.rounds import Look, Rounds
from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading
from ergoscope.probes.spectrum_reading import View, publish
from ergoscope.probes.trace_ratio import TraceRatio
from ergoscope.probes.vantage.opening import Opening
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.remark import Remark, Remarks

Recent = deque[tuple[int, Steepest]]  # step of the reading, and its steepest directions, oldest first

STEPS, FEWER = 20, 10  # products of a draw, and where there is little room or each batch is another one
DRAWS, SINGLE = 5, 20  # draws of a reading, and when they have one product each
PACE = 4  # products of a look
_BESIDE = 6  # vectors beside a draw's own: the gradient, and what is on the way


class SpectrumProbe:
    """Trace, size and shape of the Hessian's spectrum, read from draws that are spread over looks.

    With several blocks one is looked at until its reading is there, then the next.

    Attributes:
        vectors: That it can do with; it looks for itself whether there is room for more.
        turn: Which block is looked at.
        idle: Never.
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "hess_trace",
        "hess_trace_error",
        "hess_fro",
        "hess_fro_error",
        "top_subspace_overlap",
        "top_subspace_overlap_error",
        "top_subspace_overlap_update",
        "top_subspace_overlap_update_error",
        "top_subspace_chance",
        "top_subspace_size",
        "top_subspace_persistence",
        "top_subspace_persistence_error",
        "top_subspace_persistence_chance",
        "top_subspace_persistence_size",
        "spectral_density",
        "outlier_count",
        "outliers_unresolved",
        "neg_curv_mass",
        "neg_curv_mass_error",
        "neg_curv_mass_low",
        "neg_curv_mass_high",
        "lla_re",
        "lla_re_error",
        "lla_kh",
        "lla_kh_error",
    )

    steady: ClassVar[bool] = False

    def __init__(
        self,
        vantage: Vantage,
        *,
        classes: Callable[[], int | None] = lambda: None,
        ratio: TraceRatio | None = None,
    ) -> None:
        """Look from `vantage`; `classes` tells how many there are, once that is known, `ratio` what the trace means."""
        self.vectors = 2
        self.idle = False
        self.turn = 0
        self.remarks = Remarks()
        self._vantage = vantage
        self._classes = classes
        self._ratio = ratio
        self._most = STEPS
        self._subject: tuple[object, ...] = ()
        self._rounds: Rounds | None = None
        self._aim: Sequence[Tensor] = ()  # parameters of the last look, where one optimizer moves them all
        self._last_step = LastStep()
        self._steepest: dict[tuple[object, ...], Recent] = {}  # of the newest readings of each subject
        vantage.enlist(self)

    def remember(self) -> None:
        """A step is about to be made right after which it will look: copy the weights, where a draw ends then."""
        rounds = self._rounds
        if not self._aim or rounds is None or rounds.steps == 1 or not rounds.ends:
            self._last_step.let_go()
        elif not self._last_step.begin(self._aim):
            self.remarks.tell(_no_update("there is no memory for a copy of the weights"))

    def let_go(self) -> None:
        """A step is about to be made after which it will not look: keep no weights."""
        self._last_step.let_go()

    def measure(self, moment: Moment) -> Reading | None:
        """What the last look saw."""
        return self._vantage.reading(self, moment)

    def look(self, opening: Opening) -> Reading | None:
        """Make some products of a draw, or none when there was no memory for them."""
        sign = _sign(opening.optimizer)

        def product(vector: Tensor) -> Tensor:
            return sign * opening.factor * opening.products(vector)

        try:
            rounds, parameters = self._rounds_of(opening), opening.block.parameters
            self._aim = parameters if opening.optimizer is not None else ()
            look = rounds.look(
                product,
                parameters,
                opening.products.gradient,
                rates=_rates(opening.optimizer),
                step=partial(self._last_step.move, parameters),
            )
        except Exception as error:
            if self._most == 1 or not ran_out_of_memory(error):
                raise
            self._rounds = None  # and with it the vectors
            self._last_step.let_go()
            self._do_with_fewer(opening)
            return None
        return Reading(look.values, partial(self._read, rounds, look, View.of(opening, rounds)))

    def forget(self) -> None:
        """Begin anew, and see again whether there is room."""
        self._rounds = None
        self._aim = ()
        self._last_step.let_go()
        self._steepest.clear()
        self._most = STEPS
        self.turn = 0

    def _rounds_of(self, opening: Opening) -> Rounds:
        """What goes on with this opening, or begins with it."""
        if self._rounds is None or self._rounds.between:
            while self._steps(opening) > 1 and not _fits(opening, self._steps(opening)):
                self._do_with_fewer(opening)
        block = opening.block
        steps = min(self._steps(opening), block.size)
        subject = (block.name, opening.fixed, steps, *map(id, block.parameters))
        if self._rounds is None or subject != self._subject:
            self._subject = subject
            whole = steps > 1 and not opening.fixed
            self._rounds = Rounds(steps=steps, draws=DRAWS if steps > 1 else SINGLE, pace=steps if whole else PACE)
        return self._rounds

    def _steps(self, opening: Opening) -> int:
        return self._most if opening.fixed else min(self._most, FEWER)

    def _do_with_fewer(self, opening: Opening) -> None:
        before = self._steps(opening)
        self._most = FEWER if before > FEWER else 1
        left = f"draws have {FEWER} products" if self._most > 1 else "only its trace and norm are measured"
        self.remarks.tell(f"there is no memory for {before} vectors of the spectrum of curvature: {left}")

    def _read(self, rounds: Rounds, look: Look, view: View, values: Sequence[float], findings: Findings) -> None:
        if rounds is not self._rounds:
            return  # forgotten since
        found = rounds.read(look, values, findings.step)
        if rounds.broken:
            self.remarks.tell(
                "products with the Hessian were not finite: draws of its spectrum that hold some are left out"
            )
        if rounds.lost:
            self.remarks.tell(
                "draws of the spectrum of curvature were begun anew, as the weights or the learning rate had moved by "
                "more than a tenth: the next ones are made in fewer looks"
            )
        if found is not None:
            self.turn += 1
            recent = self._steepest.setdefault(self._subject, deque(maxlen=DRAWS))
            publish(found, view, findings, most=self._classes(), before=_before(recent, found.since))
            steepest = steepest_of(found.draws[-1])
            if steepest is not None:
                recent.append((findings.step, steepest))
            trace = findings.scalars.get("hess_trace")
            ratio = None if self._ratio is None or trace is None else self._ratio.of(trace, view.optimizer)
            if ratio is not None:
                findings.scalars["sgd_trace_ratio"] = ratio
            how = f"{view.how}, over {view.label.over}; {view.made_of(found)}"
            self.remarks.tell(Remark(f"the spectrum of curvature is {how}", how=how))
            if view.steps > 1 and view.optimizer is None:
                self.remarks.tell(_no_update("several optimizers step"))


def _before(recent: Recent, since: int) -> Steepest | None:
    """The steepest directions of the newest reading that was there when the first draw of this one was begun."""
    return next((steepest for step, steepest in reversed(recent) if step < since), None)


def _no_update(reason: str) -> Remark:
    absent = ["top_subspace_overlap_update", "top_subspace_overlap_update_error"]
    text = f"the share of the last update in the steepest directions is absent: {reason}"
    return Remark(text, absent=True, quantities=absent)


def _fits(opening: Opening, steps: int) -> bool:
    """Whether there is room for a draw; one that is spread over looks is kept while the training runs."""
    size, device = opening.block.size, opening.block.parameters[0].device
    made = spare(device) >= needed(size, steps + _BESIDE, device)
    return made and (not opening.fixed or lasting(size, steps, device))


def _sign(optimizer: Optimizer | None) -> float:
    """−1 where the loss is climbed: what the optimizer goes down is then its negative."""
    return -1.0 if optimizer is not None and optimizer.param_groups[0].get("maximize") else 1.0


def _rates(optimizer: Optimizer | None) -> list[float]:
    """Learning rates that the host knows: to read one from a device would be to wait for it."""
    rates = [] if optimizer is None else [group["lr"] for group in optimizer.param_groups]
    return [float(rate) for rate in rates if not (isinstance(rate, Tensor) and rate.device.type != "cpu")]
