"""The tables of who may come in; small, and of no run.

No secret stands in them: of a token and of a session there is a digest, of a password what argon2 makes of it.
"""

from sqlalchemy import Column, Double, Index, Integer, LargeBinary, SmallInteger, Table, Text

from ergoscope_server.store.schema import metadata

# What programs come in by.
token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the secret
    Column("name", Text, nullable=False),  # for people
    Column("scopes", Text, nullable=False),  # read, write, admin, with spaces
    Column("project", Text),  # the only one it is for; NULL: all
    Column("created", Double, nullable=False),  # Unix seconds, by our clock, as all times here
    Column("used", Double, nullable=False),  # 0 while it never was; written once a minute at most
    Column("revoked", Double, nullable=False),  # 0 while it is good
    Column("expires", Double, nullable=False),  # 0: never
)

# People.
account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),  # argon2's own form, with salt and costs; empty: comes by a provider only
    Column("admin", SmallInteger, nullable=False),  # 1: of the whole service
    Column("created", Double, nullable=False),
    Column("disabled", Double, nullable=False),  # 0 while they may come in
)

# Whom providers know people as.
identity = Table(
    "identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("created", Double, nullable=False),
)

# What people may do in projects.
member = Table(
    "member",
    metadata,
    Column("account", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("role", Text, nullable=False),  # viewer, member or admin
)

# Browsers that are logged in.
session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the secret in the cookie
    Column("account", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("used", Double, nullable=False),  # written once a minute at most
)

# Failed logins of late, by account and by address.
failure = Table(
    "failure",
    metadata,
    Column("key", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last", Double, nullable=False),
)

# Links by which anybody who has one reads one run.
share = Table(
    "share",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the secret in the link
    Column("run", Text, nullable=False),
    Column("who", Text, nullable=False),  # made it
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
)

# What was changed, and by whom.
audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Index("audit_at", "at", "id"),
)

TABLES = (token, account, identity, member, session, failure, share, audit)
