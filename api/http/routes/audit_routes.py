"""The public part of the audit log: checkpoints and hash tiles (C2SP tlog-tiles).

Anybody may witness the log; its entries need authentication and are not here. Only what a
signed checkpoint covers is served.
"""

from functools import cache
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from api.http.dependencies import System, SystemDep, open_for
from api.http.shapes import failures
from audit.log import sequencer, storage, tiles
from audit.log.storage import Head
from audit.log.tiles import TileId
from cdp.kernel.errors import NotFound
from cdp.registers import workspaces
from cdp.vocabulary import Actor
from cdp.work import Work

router = APIRouter(prefix="/audit", tags=["public"], responses=failures(404))

_WITNESS = Actor(ref="witness", roles=frozenset(), kind="system")

Log = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The id of a log.")]
Epoch = Annotated[
    int,
    Path(
        ge=0, le=999_999, description="An epoch of the log, from 0: a log that is restored begins a new one."
    ),
]
Tile = Annotated[str, Path(description="Which tile: `<L>/<N>`, with `.p/<W>` behind it if it is partial.")]


class NoSuchLog(NotFound):
    """There is no such log, epoch or tile, or no checkpoint covers it yet."""


@router.get("/{log}/checkpoint", summary="Get a log's newest signed checkpoint", response_class=Response)
def newest_checkpoint(log: Log, system: SystemDep) -> Response:
    """The newest signed checkpoint of the epoch that is being written."""
    with open_for(system, _workspace(log, system), _WITNESS, "witnessing") as work:
        return _note(_head(storage.newest_epoch(session=work.session), work))


@router.get(
    "/{log}/{epoch}/checkpoint", summary="Get the signed checkpoint of an epoch", response_class=Response
)
def checkpoint(log: Log, epoch: Epoch, system: SystemDep) -> Response:
    """The newest signed checkpoint of one epoch, as a signed note."""
    with open_for(system, _workspace(log, system), _WITNESS, "witnessing") as work:
        return _note(_head(epoch, work))


@router.get(
    "/{log}/{epoch}/tile/{rest:path}",
    summary="Get a tile of a log, to verify it yourself",
    response_class=Response,
)
def tile(log: Log, epoch: Epoch, rest: Tile, system: SystemDep) -> Response:
    """A tile of hashes: `tile/<L>/<N>`, with `.p/<W>` behind it if it is partial."""
    wanted = tiles.parse(f"tile/{rest}")
    with open_for(system, _workspace(log, system), _WITNESS, "witnessing") as work:
        head = _head(epoch, work)
        hashes = storage.reader(epoch, session=work.session)(wanted)
    size = wanted.width * 32
    if _end(wanted) > head.size or len(hashes) < size:
        raise NoSuchLog
    # A tile never changes, but a proxy must not keep a partial one for the full one.
    age = "public, max-age=31536000, immutable" if wanted.width == tiles.WIDTH else "public, max-age=60"
    return Response(hashes[:size], media_type="application/octet-stream", headers={"Cache-Control": age})


def _end(wanted: TileId) -> int:
    """How many leaves a log must have for this tile to be whole."""
    return (wanted.index * tiles.WIDTH + wanted.width) << (tiles.HEIGHT * wanted.level)


def _head(epoch: int, work: Work) -> Head:
    head = storage.head(epoch, session=work.session)
    if head is None:
        raise NoSuchLog
    return head


def _note(head: Head) -> Response:
    return Response(head.note, media_type="text/plain; charset=utf-8")


def _workspace(log: str, system: System) -> UUID:
    """Whose log it is: its id is a digest, so all are tried."""
    for workspace in workspaces.known(system.app):
        if _log_id(system.state.instance, workspace) == log:
            return workspace
    raise NoSuchLog


@cache
def _log_id(instance: UUID, workspace: UUID) -> str:
    return sequencer.log_id(instance, workspace)
