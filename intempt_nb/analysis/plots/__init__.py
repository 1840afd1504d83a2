"""Pictures of what the analysis gives, by matplotlib; each function draws on the axes it is given, or makes some."""

from intempt_nb.analysis.plots.events import funnel, intervals, retention, rfm, sessions
from intempt_nb.analysis.plots.models import calibration, lift
from intempt_nb.analysis.plots.profiles import histogram

__all__ = ["calibration", "funnel", "histogram", "intervals", "lift", "retention", "rfm", "sessions"]
