"""Notebook toolkit for the Intempt customer data platform."""

from intempt_nb._version import __version__

__all__ = ["__version__"]
