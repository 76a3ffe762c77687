"""What ergoscope may raise: from arguments before training, and from reading back; never into training.

ErgoscopeError
├── SettingError          a setting that is unknown, or whose value is not allowed
├── MissingTorchError     watch() without a PyTorch to watch
├── RingError             the shared memory between job and sidecar cannot be used
├── SpoolError            a spool on disk that cannot be used
└── ServerError           reading back did not work
    ├── NoServerError     nothing answers at the address
    ├── UnknownRunError   no run, or more than one, goes by that id or name
    └── AnswerError       the server answered, but not what was asked for
"""


class ErgoscopeError(Exception):
    """Anything below; the text says what was seen, what is allowed, and what to do."""


class SettingError(ErgoscopeError, ValueError):
    """A setting that is unknown, or whose value is not allowed."""


class MissingTorchError(ErgoscopeError, ImportError):
    """watch() was called where PyTorch cannot be imported."""


class RingError(ErgoscopeError, OSError):
    """The shared memory between job and sidecar cannot be made or read."""


class SpoolError(ErgoscopeError, OSError):
    """A spool on disk cannot be made, read or locked."""


class ServerError(ErgoscopeError):
    """Reading back from a server did not work."""


class NoServerError(ServerError, ConnectionError):
    """Nothing answers at the address."""


class UnknownRunError(ServerError, LookupError):
    """No run, or more than one, goes by that id or name."""


class AnswerError(ServerError):
    """The server answered, but not what was asked for."""
