"""What several processes need to know of each other's work: when a run's newest step came, whose verdict is newer, and
since when anybody is on duty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("run", sa.Column("stepped", sa.Double(), nullable=False, server_default="0"))
    op.add_column("verdict", sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("verdict", sa.Column("upto", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "duty",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("role"),
    )


def downgrade() -> None:
    op.drop_table("duty")
    op.drop_column("verdict", "upto")
    op.drop_column("verdict", "version")
    op.drop_column("run", "stepped")
