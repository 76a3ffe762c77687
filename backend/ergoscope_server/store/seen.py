"""Which batches of a sender were seen: intervals of sequence numbers, so that a replay is recognised for ever."""

import msgspec

from ergoscope_contract.errors import ShapeError

MOST_GAPS = 1000

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[int, int]])


class Seen:
    """A set of integers as sorted half-open intervals.

    Example:
        >>> seen = Seen()
        >>> [seen.add(n) for n in (0, 1, 3, 1)]
        [True, True, True, False]
        >>> seen.intervals
        [(0, 2), (3, 4)]
    """

    def __init__(self, packed: bytes = b"") -> None:
        self.intervals: list[tuple[int, int]] = _decoder.decode(packed) if packed else []

    def pack(self) -> bytes:
        """Give the bytes that `Seen` reads."""
        return _encoder.encode(self.intervals)

    def __contains__(self, number: int) -> bool:
        return any(low <= number < high for low, high in reversed(self.intervals))

    def covers(self, other: "Seen") -> bool:
        """Whether every number of another is here too."""
        return all(any(low <= a and b <= high for low, high in self.intervals) for a, b in other.intervals)

    def add(self, number: int) -> bool:
        """Take a number in; False when it was there already.

        Raises:
            ShapeError: it would leave more than MOST_GAPS gaps.
        """
        if number in self:
            return False
        intervals = self.intervals
        at = sum(high < number for _, high in intervals) if intervals and number < intervals[-1][1] else len(intervals)
        # Now every interval before `at` but perhaps the last ends before `number`.
        low, high = number, number + 1
        if at < len(intervals) and intervals[at][1] == number:
            low = intervals.pop(at)[0]
        elif at > 0 and intervals[at - 1][1] == number:
            at -= 1
            low = intervals.pop(at)[0]
        if at < len(intervals) and intervals[at][0] == high:
            high = intervals.pop(at)[1]
        if len(intervals) >= MOST_GAPS:
            raise ShapeError(f"seq {number} would be gap number {MOST_GAPS}; send the batches that are missing first")
        intervals.insert(at, (low, high))
        return True
