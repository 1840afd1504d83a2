"""What the rows say: checks and numbers, from collections, DataFrames or Arrow data."""

from intempt_nb.analysis import plots
from intempt_nb.analysis.bundles.bundle import ModelBundle
from intempt_nb.analysis.bundles.checking import BundleCheck
from intempt_nb.analysis.bundles.objects import PickleWarning
from intempt_nb.analysis.features import features, outcomes
from intempt_nb.analysis.funnels import funnel
from intempt_nb.analysis.identifier_check import IdentifierCheck, ReferenceCheck
from intempt_nb.analysis.identifiers import check_identifier
from intempt_nb.analysis.linking.identities import IdentityWarning, identities
from intempt_nb.analysis.linking.identity_report import IdentityReport
from intempt_nb.analysis.linking.join import Joined, join
from intempt_nb.analysis.linking.join_report import JoinReport
from intempt_nb.analysis.linking.persons import Identities
from intempt_nb.analysis.purchases import intervals, rfm
from intempt_nb.analysis.retention import Retention, retention
from intempt_nb.analysis.sessions import session_numbers, sessions
from intempt_nb.analysis.table_report import table_report
from intempt_nb.profiling.profile import ColumnProfile, Profile, profile

__all__ = [
    "BundleCheck",
    "ColumnProfile",
    "IdentifierCheck",
    "Identities",
    "IdentityReport",
    "IdentityWarning",
    "JoinReport",
    "Joined",
    "ModelBundle",
    "PickleWarning",
    "Profile",
    "ReferenceCheck",
    "Retention",
    "check_identifier",
    "features",
    "funnel",
    "identities",
    "intervals",
    "join",
    "outcomes",
    "plots",
    "profile",
    "retention",
    "rfm",
    "session_numbers",
    "sessions",
    "table_report",
]
