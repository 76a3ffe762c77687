"""People who log in with a provider, and tokens that expire."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject"),
    )
    op.add_column("token", sa.Column("expires", sa.Double(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("token", "expires")
    op.drop_table("identity")
