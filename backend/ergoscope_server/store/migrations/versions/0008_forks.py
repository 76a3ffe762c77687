"""Runs that begin at a step of others; and the runs of a project, found and counted without a look at all."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("run", sa.Column("fork_run", sa.Text(), nullable=False, server_default=""))
    op.add_column("run", sa.Column("fork_step", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("run_project", "run", ["project", "created", "id"])


def downgrade() -> None:
    op.drop_index("run_project", table_name="run")
    op.drop_column("run", "fork_step")
    op.drop_column("run", "fork_run")
