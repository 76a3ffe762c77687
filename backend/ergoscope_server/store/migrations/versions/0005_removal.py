"""What becomes of data: runs that were deleted or set aside, how long projects keep points, and what is thinned."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "deletion",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("asked", sa.Double(), nullable=False),
        sa.Column("done", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_table(
        "retention",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("days", sa.Double(), nullable=False),
        sa.Column("ended", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project"),
    )
    op.add_column("run", sa.Column("archived", sa.Double(), nullable=False, server_default="0"))
    op.add_column("stream", sa.Column("thinned", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("stream", sa.Column("thinned_to", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("stream", "thinned_to")
    op.drop_column("stream", "thinned")
    op.drop_column("run", "archived")
    op.drop_table("retention")
    op.drop_table("deletion")
