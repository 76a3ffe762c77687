"""The contract's version, and who understands whom.

A change that an older reader would misread raises the number; a new optional field does not.
"""

CONTRACT_VERSION = 1
UNDERSTOOD = frozenset({1})
