"""A run in the hands of a framework, which decides when it begins and ends."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.config import as_config
from ergoscope.current import init, watch
from ergoscope.lifetime.exits import describe
from ergoscope.names import readable_name
from ergoscope.session import Run
from ergoscope.settings import Knobs, Settings
from ergoscope.stream.rows import set_apart
from ergoscope.voice import Voice
from ergoscope_contract.records import JsonObject

if TYPE_CHECKING:
    from ergoscope.curvature.plan import Asked, Curvature

T = TypeVar("T")
Facts = Callable[[], Mapping[str, object]]


class Looks(TypedDict, total=False):
    """What takes passes of its own, and on what: each as in `ergoscope.watch`."""

    curvature: "Asked | Curvature | None"
    probe: object
    loss_fn: Callable[..., Tensor] | None


class Hosted:
    """One run, opened as late as can be and, when there is more to record after its end, as a further attempt.

    Settings are checked at once, as that is before training. Whatever fails later is said once on standard error, and
    training goes on without it.

    Attributes:
        settings: How the run is recorded.
        run: The newest attempt at the run; None before the first.
    """

    def __init__(self, config: object = None, **knobs: Unpack[Knobs]) -> None:
        """Read the settings.

        Raises:
            SettingError: a setting is unknown or not allowed.
            TypeError: `config` is no configuration.
        """
        self.settings = Settings.read(os.environ, **knobs)
        self.run: Run | None = None
        self._config = as_config(config)
        self._knobs = knobs
        self._voice = Voice(silent=self.settings.silent)
        self._measured = False  # whether this attempt or one before, of the same run, has measured
        self._hopeless = False

    @property
    def open(self) -> Run | None:
        """The run, while it records."""
        return self.run if self.run is not None and self.run.open else None

    def begin(self, config: Facts = dict, **knobs: Unpack[Knobs]) -> Run | None:
        """Give the open run, or open one that records what is logged.

        Args:
            config: Gives what is added to the user's configuration.
            **knobs: What holds where the user has set nothing.

        Returns:
            The run; None when it cannot be opened.
        """
        if self.open is None and not self._hopeless:
            asked, told = self._asked(knobs, again=True), self._told(config, again=True)
            self._record(asked, told)
        return self.open

    def watch(
        self,
        model: nn.Module | None,
        optimizers: Optimizer | Sequence[Optimizer] | None,
        *,
        start_step: int,
        config: Facts = dict,
        looks: Looks | None = None,
        **knobs: Unpack[Knobs],
    ) -> None:
        """Open a run that measures; one that only records, where nothing can be measured.

        A run that is open goes on in it, as a further attempt. So does one that has ended, when steps were done before.

        Args:
            model: Whose parameters are measured.
            optimizers: The optimizer, or several; the first one's steps are the run's steps.
            start_step: Steps done before.
            config: As in `begin`.
            looks: What takes passes of its own; by default nothing.
            **knobs: As in `begin`.
        """
        again = self.open is not None or start_step > 0
        self.finish()
        asked, told = self._asked(knobs, again=again), self._told(config, again=again)
        run = self._safely(
            "watch",
            lambda: watch(model, optimizers, config=told, start_step=start_step, **(looks or {}), **asked),  # type: ignore[arg-type]  # None raises
        )
        if run is None:
            self._measured = self._measured and again
            self._record(asked, told)
        else:
            self.run, self._measured, self._hopeless = run, True, False

    def log(self, data: Mapping[str, object], step: int | None = None) -> None:
        """Record a row; a name that is measured as well goes under "logged/", so that the two stay apart."""
        run = self.open
        if run is not None:
            names = set_apart(data) if self._measured else list(data)
            run.log(dict(zip(names, data.values(), strict=True)), step)

    def configure(self, values: object) -> None:
        """Add to the configuration of the run, or of the run to come."""
        run = self.open
        if run is not None:
            self._safely("configuration", lambda: run.config.update(values))
        else:
            self._config |= self._safely("configuration", lambda: as_config(values)) or {}

    def finish(self, reason: str = "") -> None:
        """End the run; `reason` says why it failed."""
        self._hopeless = False
        if self.run is not None:
            self.run.finish(reason=reason)

    def _record(self, asked: Knobs, told: JsonObject) -> None:
        run = self._safely("begin", lambda: init(config=told, **asked))
        self._hopeless = run is None  # asking again at every row would hold the training up
        self.run = run or self.run

    def _asked(self, knobs: Knobs, *, again: bool) -> Knobs:
        asked = knobs.copy()
        asked.update({key: value for key, value in self._knobs.items() if value is not None})  # type: ignore[typeddict-item]  # its own keys
        if again and self.run is not None:
            asked.update({"run_id": self.run.id, "resume": "allow"})
            if self.run.name != readable_name(self.run.id):  # one that was drawn is nobody's word
                asked["name"] = self.run.name
        return asked

    def _told(self, config: Facts, *, again: bool) -> JsonObject:
        before = self.run.config.as_dict() if again and self.run is not None else {}
        facts = self._safely("configuration", lambda: as_config(config())) or {}
        return before | facts | self._config

    def _safely(self, what: str, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except Exception as error:
            self._voice.once(what, f"{_TROUBLE[what]}: {describe(error)}. Training goes on")
            return None


_TROUBLE = {
    "begin": "nothing is recorded",
    "watch": "nothing is measured, and only what is logged is recorded",
    "configuration": "the configuration is not complete",
}


class StandIn:
    """The run for those who keep hold of it: all that `Run` offers, of the attempt that is newest at that time.

    It is opened when it is first used, and again when something is logged after its end. In a process that does not
    lead, what is logged goes nowhere.
    """

    def __init__(self, hosted: Hosted, leads: Callable[[], bool]) -> None:
        """Stand in for the run of `hosted`; `leads` says whether this process's rows are wanted."""
        self._hosted = hosted
        self._leads = leads
        self._nowhere: Run | None = None

    def __getattr__(self, name: str) -> object:
        """Give what the run has under that name."""
        if name.startswith("_"):  # copying and pickling ask for such; they want no run
            raise AttributeError(f"a run has no attribute {name!r} for others")
        return getattr(self._find(name) or self._inert(), name)

    def _find(self, name: str) -> Run | None:
        if not self._leads():
            return None
        return self._hosted.begin() if self._hosted.run is None or name in {"alert", "log"} else self._hosted.run

    def _inert(self) -> Run:
        if self._nowhere is None:
            self._nowhere = init(mode="disabled")
        return self._nowhere
