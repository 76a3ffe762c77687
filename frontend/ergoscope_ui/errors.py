"""What may go wrong between page and service.

UiError
├── UnreachableError    nobody answered
├── RefusedError        the service answered, and said no
│   └── UnknownError    what was asked for is not there
└── QueryError          the query line says nothing that can be searched
"""


class UiError(Exception):
    """Any failure of this package."""


class UnreachableError(UiError):
    """The service did not answer."""


class RefusedError(UiError):
    """The service answered with an error; the text is the service's own."""


class UnknownError(RefusedError):
    """The service knows nothing under this name."""


class QueryError(UiError):
    """The query line cannot be read; the text says what was seen and what is allowed."""
