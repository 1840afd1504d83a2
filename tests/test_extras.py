"""Libraries that an extra installs."""

from __future__ import annotations

import math

import pytest

import intempt_nb as inb
from intempt_nb.extras import require


def test_what_is_installed_is_imported() -> None:
    assert require("math", "analysis") is math


def test_what_is_not_installed_is_told_with_the_command_that_installs_it() -> None:
    with pytest.raises(inb.ConfigurationError, match=r"pip install 'intempt-nb\[analysis\]'"):
        require("not_installed_at_all.part", "analysis")
