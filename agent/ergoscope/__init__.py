"""Watch a PyTorch job.

    run = ergoscope.watch(model, optimizer, project="mine", config={"lr": 0.1})

is all that a training loop needs; `curvature="model"` adds second derivatives. `init`, `log` and `finish` record a
script's own numbers, `Api` reads them back.
Names are imported when they are first used: importing this package needs neither torch nor numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ergoscope.api import Api as Api
    from ergoscope.api import Points as Points
    from ergoscope.api import StoredRun as StoredRun
    from ergoscope.current import alert as alert
    from ergoscope.current import finish as finish
    from ergoscope.current import init as init
    from ergoscope.current import log as log
    from ergoscope.current import watch as watch
    from ergoscope.curvature.plan import Curvature as Curvature
    from ergoscope.errors import AnswerError as AnswerError
    from ergoscope.errors import ErgoscopeError as ErgoscopeError
    from ergoscope.errors import MissingTorchError as MissingTorchError
    from ergoscope.errors import NoServerError as NoServerError
    from ergoscope.errors import RingError as RingError
    from ergoscope.errors import ServerError as ServerError
    from ergoscope.errors import SettingError as SettingError
    from ergoscope.errors import SpoolError as SpoolError
    from ergoscope.errors import UnknownRunError as UnknownRunError
    from ergoscope.session import Run as Run
    from ergoscope.settings import Settings as Settings
    from ergoscope.twins.dataset import twin as twin

__all__ = [
    "AnswerError",
    "Api",
    "Curvature",
    "ErgoscopeError",
    "MissingTorchError",
    "NoServerError",
    "Points",
    "RingError",
    "Run",
    "ServerError",
    "SettingError",
    "Settings",
    "SpoolError",
    "StoredRun",
    "UnknownRunError",
    "alert",
    "finish",
    "init",
    "log",
    "twin",
    "watch",
]

_ROOMS = {
    "api": ("Api", "Points", "StoredRun"),
    "current": ("alert", "finish", "init", "log", "watch"),
    "curvature.plan": ("Curvature",),
    "session": ("Run",),
    "settings": ("Settings",),
    "twins.dataset": ("twin",),
    "errors": (
        "AnswerError",
        "ErgoscopeError",
        "MissingTorchError",
        "NoServerError",
        "RingError",
        "ServerError",
        "SettingError",
        "SpoolError",
        "UnknownRunError",
    ),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ergoscope' has no attribute {name!r}; it has: {', '.join(__all__)}")
    value: object = getattr(import_module(f"ergoscope.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
