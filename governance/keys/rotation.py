"""Rotation of a workspace's key-encryption key, so that old backups forget too (design §4).

A new version becomes active, everything is rewrapped online, and once a locked count finds
no key under a version that retired long enough ago, it is destroyed. Killed anywhere, a
re-run finishes: the keyring is ahead of the database or equal to it, never behind.
"""

from datetime import timedelta

from sqlalchemy import func, select, update

from cdp.kernel.database import run
from cdp.vocabulary import FragmentId, KeyId
from cdp.work import Work
from governance import tables
from governance.keys import fragment_keys, wrapping
from governance.keys.keyfile import KeyFile

BATCH = 1000


def activate(*, work: Work, file: KeyFile) -> int:
    """Make a new version active; adopts one that a killed rotation left in the keyring."""
    version = tables.kek_versions.c
    fragment_keys.active_version(work=work, file=file)
    current = work.session.scalars(
        select(version.version).where(version.state == "active").with_for_update()
    ).one()
    newest = file.kek(work.workspace).version
    if newest == current:
        newest = file.rotate_kek(work.workspace, now=work.now).version
    work.session.execute(
        update(tables.kek_versions)
        .where(version.version == current)
        .values(state="retired", retired_at=work.now)
    )
    fragment_keys.note_version(newest, work=work)
    return newest


def rewrap(*, work: Work, file: KeyFile) -> int:
    """Rewrap up to `BATCH` keys under the active version; 0 when none is left."""
    active = fragment_keys.active_version(work=work, file=file)
    key = tables.keys.c
    rows = work.session.execute(
        select(key.fragment_id, key.id, key.kek_version, key.wrapped, key.commitment)
        .where(key.kek_version != active)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    kek = file.kek(work.workspace, active).secret
    fresh = [
        wrapping.wrap(
            wrapping.unwrap(
                row.wrapped,
                kek=file.kek(work.workspace, row.kek_version).secret,
                workspace=work.workspace,
                fragment=FragmentId(row.fragment_id),
                key_id=KeyId(row.id),
                commitment=row.commitment,
            ),
            kek=kek,
        )
        for row in rows
    ]
    if rows:
        run(
            work.session,
            "UPDATE governance.keys k SET wrapped = u.wrapped, kek_version = %s"
            " FROM unnest(%b::uuid[], %b::bytea[]) AS u(id, wrapped)"
            " WHERE k.workspace_id = %s AND k.id = u.id",
            (active, [row.id for row in rows], fresh, work.workspace),
        )
    return len(rows)


def destroy_retired(*, days: int, work: Work, file: KeyFile) -> list[int]:
    """Destroy the versions that retired `days` ago and wrap nothing; returns them."""
    version = tables.kek_versions.c
    due = work.session.scalars(
        select(version.version)
        .where(version.state == "retired", version.retired_at <= work.now - timedelta(days=days))
        .order_by(version.version)
        .with_for_update()
    ).all()
    destroyed = []
    for number in due:
        left = work.session.scalar(
            select(func.count()).select_from(tables.keys).where(tables.keys.c.kek_version == number)
        )
        if left:
            continue
        file.destroy_kek(work.workspace, number)
        work.session.execute(
            update(tables.kek_versions)
            .where(version.version == number)
            .values(state="destroyed", destroyed_at=work.now)
        )
        destroyed.append(number)
    return destroyed
