"""The fixtures of the journeys."""

from journeys import journey

__all__ = ["journey"]
