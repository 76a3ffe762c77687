"""What the contract may raise.

ContractError             anything below
├── StrangerError         the bytes are not an ergoscope batch
├── VersionError          a batch of a contract version that is not understood here
├── TruncatedError        a batch that ends too early or was damaged on its way
├── SizeError             a batch larger than the stated limit
└── ShapeError            fields that are missing, of the wrong type, or that do not fit together
"""


class ContractError(ValueError):
    """A message that one side sent and the other cannot take; the text says what was seen and what is allowed."""


class StrangerError(ContractError):
    """The bytes do not begin as a batch does."""


class VersionError(ContractError):
    """The batch speaks a contract version that is not understood here."""


class TruncatedError(ContractError):
    """The batch ends too early, or its content was damaged."""


class SizeError(ContractError):
    """The batch, packed or unpacked, is larger than allowed."""


class ShapeError(ContractError):
    """A field is missing, has the wrong type, or contradicts another field."""
