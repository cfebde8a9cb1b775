"""What the job queue offers: work for later, in the transaction that makes it necessary."""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session


class Jobs(Protocol):
    """Work for later, deferred in the transaction that makes it necessary."""

    def defer(
        self, name: str, *, session: Session, after: timedelta = timedelta(0), **ids: UUID | int
    ) -> None:
        """Defer the job `name` with `ids`, to run once `after` has passed."""
        ...
