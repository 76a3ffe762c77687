"""What the store may raise.

StoreError
├── UnavailableError      the database cannot answer or write now; the same call may work later
└── UnknownRunError       no run has this id
"""


class StoreError(RuntimeError):
    """Something the store cannot do."""


class UnavailableError(StoreError):
    """The database cannot answer or write now; nothing of the call was kept."""


class UnknownRunError(StoreError):
    """No run has this id."""
