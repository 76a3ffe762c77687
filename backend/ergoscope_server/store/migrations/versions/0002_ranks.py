"""When each rank was last heard of, and how many ranks a run has."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run", sa.Column("ranks", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("feed", sa.Column("last_seen", sa.Double(), nullable=False, server_default="0"))
    op.add_column("feed", sa.Column("gap", sa.Double(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE run SET ranks = "
        "(SELECT count(*) FROM feed WHERE feed.run = run.id AND feed.attempt = run.attempt) "
        "WHERE EXISTS (SELECT 1 FROM feed WHERE feed.run = run.id AND feed.attempt = run.attempt)"
    )
    # What the log still holds of a rank tells when it was heard of; else it cannot have been later than the run.
    op.execute(
        "UPDATE feed SET "
        "gap = COALESCE((SELECT run.gap FROM run WHERE run.id = feed.run), 0), "
        "last_seen = COALESCE("
        "(SELECT max(received) FROM arrival WHERE arrival.run = feed.run AND arrival.attempt = feed.attempt "
        "AND arrival.rank = feed.rank), "
        "(SELECT run.last_seen FROM run WHERE run.id = feed.run), 0)"
    )


def downgrade() -> None:
    op.drop_column("feed", "gap")
    op.drop_column("feed", "last_seen")
    op.drop_column("run", "ranks")
