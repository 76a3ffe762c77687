"""The one schema that all tables belong to."""

from sqlalchemy import MetaData

metadata = MetaData()
