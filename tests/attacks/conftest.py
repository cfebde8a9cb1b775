"""The fixtures of the attacks."""

from journeys import journey

__all__ = ["journey"]
