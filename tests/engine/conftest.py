"""Fixtures of the engine's tests."""

import hypothesis
import pytest

from tests.engine.world import World

# The same examples each time: a failure is one of the change at hand,
# however slow the machine is.
hypothesis.settings.register_profile(
    "engine", derandomize=True, deadline=None, database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("engine")


@pytest.fixture
def world() -> World:
    """An empty world; the one before is gone."""
    return World()
