"""The tables, as SQLite and PostgreSQL both know them.

Every large table's primary key starts with the run, so that a run's rows lie together and can be sharded by run.
Numbers that may be NaN or infinite never go into a numeric column (SQLite turns NaN into NULL): they are packed.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from ergoscope_server.store import (
    people_tables,  # noqa: F401  # its tables belong to the same schema
    schema,
)

metadata = schema.metadata

# Who a run is, its counter of arrivals, and what the runs list shows. Written by intake only.
run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("about", LargeBinary, nullable=False),  # Run, msgpack; empty while unknown
    Column("system", LargeBinary, nullable=False),  # of the newest attempt, msgpack
    Column("latest", LargeBinary, nullable=False),  # newest value of a few headline metrics, msgpack
    Column("cursor", BigInteger, nullable=False),
    Column("attempt", BigInteger, nullable=False),  # the newest
    Column("attempts", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("gap", Double, nullable=False),  # usual time between batches, seconds
    Column("last_step", BigInteger),
    Column("lost", BigInteger, nullable=False),
    Column("ranks", Integer, nullable=False, server_default="1"),  # of the newest attempt
    Column("stepped", Double, nullable=False, server_default="0"),  # when its newest step came, by our clock
    Column("archived", Double, nullable=False, server_default="0"),  # when it was set aside; 0 while it is not
    Column("fork_run", Text, nullable=False, server_default=""),  # which it was forked from; empty where from none
    Column("fork_step", BigInteger, nullable=False, server_default="0"),
    Index("run_newest", "created", "id"),
    Index("run_project", "project", "created", "id"),
)

# One sender: a rank of an attempt, with the batches seen of it.
feed = Table(
    "feed",
    metadata,
    Column("run", Text, primary_key=True),
    Column("attempt", BigInteger, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("seen", LargeBinary, nullable=False),  # intervals of seq, msgpack
    Column("begun", LargeBinary, nullable=False),  # Attempt, msgpack; empty while unknown
    Column("last_step", BigInteger),
    Column("lost", BigInteger, nullable=False),
    Column("how", Text, nullable=False),  # of its Ending; empty while it lives
    Column("reason", Text, nullable=False),
    Column("last_seen", Double, nullable=False, server_default="0"),  # when its newest batch came, by our clock
    Column("gap", Double, nullable=False, server_default="0"),  # usual time between its batches, seconds
)

# The arrival log: a batch is a row, never updated, numbered without gaps within its run.
arrival = Table(
    "arrival",
    metadata,
    Column("run", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("attempt", BigInteger, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("received", Double, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("run", "attempt", "rank", "seq", name="arrival_once"),
)

# How far the log of a run is folded into chunks. Written by folding only, so that intake never waits for it.
folding = Table(
    "folding",
    metadata,
    Column("run", Text, primary_key=True),
    Column("upto", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),  # arrivals up to here are no longer in the log
    Column("streams", Integer, nullable=False),  # numbers given to streams so far
    Column("version", BigInteger, nullable=False),  # raised by each change, so that two that fold at once do not mix
)

# Points of one metric, attempt and rank whose steps never fall.
stream = Table(
    "stream",
    metadata,
    Column("run", Text, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("metric", Text, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("first_step", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("newest", LargeBinary, nullable=False),  # last value, packed float64
    Column("tail", LargeBinary, nullable=False),  # points in each of its fragments, packed uint16
    Column("thinned", Integer, nullable=False, server_default="0"),  # so many of its first chunks are thinned
    Column("thinned_to", BigInteger, nullable=False, server_default="0"),  # the last step of these
    Index("stream_metric", "run", "metric"),
)

# 1,024 consecutive points of a stream, written once; where retention has thinned it, the 17 points that are left.
chunk = Table(
    "chunk",
    metadata,
    Column("run", Text, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("steps", LargeBinary),  # see packing.py; NULL when the stride is constant
    Column("body", LargeBinary, nullable=False),
    Index("chunk_last", "run", "stream", "last"),
)

# The points of a stream after its last whole chunk, in pieces that are merged as they grow.
fragment = Table(
    "fragment",
    metadata,
    Column("run", Text, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("n", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("steps", LargeBinary),
    Column("body", LargeBinary, nullable=False),
)

# Sixteen cells of 64 * 16^(level - 1) points each, written once, when the last of them is complete.
pyramid = Table(
    "pyramid",
    metadata,
    Column("run", Text, primary_key=True),
    Column("stream", Integer, primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

# Histograms, sketches and spectra, as sent.
shape = Table(
    "shape",
    metadata,
    Column("run", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("attempt", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("run", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),  # of the arrival that brought it
    Column("position", Integer, primary_key=True),
    Column("attempt", BigInteger, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# Slices of the loss that people asked for, each with the newest grid that answers it.
slice_ = Table(
    "slice",
    metadata,
    Column("run", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("asked", Double, nullable=False),  # Unix seconds, by our clock
    Column("state", Text, nullable=False),  # open, measuring, done, refused or withdrawn
    Column("request", LargeBinary, nullable=False),  # SliceRequest, msgpack
    Column("grid", LargeBinary, nullable=False),  # Grid, msgpack; empty while none has come
)

# What was judged of a run. Written by whoever saw the version before: of two that judge at once, one writes.
verdict = Table(
    "verdict",
    metadata,
    Column("run", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("memory", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("upto", BigInteger, nullable=False, server_default="0"),  # arrivals that it has seen
)

# Since when somebody takes batches in ("serve"), and somebody judges runs ("work"), without a pause.
duty = Table(
    "duty",
    metadata,
    Column("role", Text, primary_key=True),
    Column("since", Double, nullable=False),
    Column("seen", Double, nullable=False),
)

# Runs that were deleted, for ever, so that no late batch brings one back.
deletion = Table(
    "deletion",
    metadata,
    Column("run", Text, primary_key=True),
    Column("asked", Double, nullable=False),  # Unix seconds, by our clock
    Column("done", SmallInteger, nullable=False),  # 1 once no row of it is left
)

# Projects that do not keep every point for ever.
retention = Table(
    "retention",
    metadata,
    Column("project", Text, primary_key=True),
    Column("days", Double, nullable=False),  # after which points are thinned
    Column("ended", SmallInteger, nullable=False),  # 1: of runs that are over only
)

alert = Table(
    "alert",
    metadata,
    Column("run", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("alert_state", "state", "started"),
)
