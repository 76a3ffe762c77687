"""What agent, server and page agree on: records, answers, codec and the catalogue of quantities."""

from ergoscope_contract import answers, catalogue, codec, columns, errors, jsonable, records, slices
from ergoscope_contract.version import CONTRACT_VERSION

__all__ = ["CONTRACT_VERSION", "answers", "catalogue", "codec", "columns", "errors", "jsonable", "records", "slices"]
