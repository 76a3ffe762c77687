"""What the store may raise.

StoreError
├── AnsweredSliceError    the slice is measured or refused already
├── EndedRunError         the run has ended, and what is asked takes a job that goes on
├── OpenSliceError        a slice of the run is waited for already
├── UnavailableError      the database cannot answer or write now; the same call may work later
├── UnknownRunError       no run has this id
├── UnknownSeriesError    the run has no series of this name
└── UnknownSliceError     no slice of the run has this id
"""


class StoreError(RuntimeError):
    """Something the store cannot do."""


class AnsweredSliceError(StoreError):
    """The slice is measured or refused already."""


class EndedRunError(StoreError):
    """The run has ended, and what is asked takes a job that goes on."""


class OpenSliceError(StoreError):
    """A slice of the run is waited for already."""


class UnavailableError(StoreError):
    """The database cannot answer or write now; nothing of the call was kept."""


class UnknownRunError(StoreError):
    """No run has this id."""


class UnknownSeriesError(StoreError):
    """The run has no series of this name."""


class UnknownSliceError(StoreError):
    """No slice of the run has this id."""
