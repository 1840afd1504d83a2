"""What the rows say: checks and numbers, from collections, DataFrames or Arrow data."""

from intempt_nb.analysis.identifier_check import IdentifierCheck, ReferenceCheck
from intempt_nb.analysis.identifiers import check_identifier
from intempt_nb.profiling.profile import ColumnProfile, Profile, profile

__all__ = ["ColumnProfile", "IdentifierCheck", "Profile", "ReferenceCheck", "check_identifier", "profile"]
