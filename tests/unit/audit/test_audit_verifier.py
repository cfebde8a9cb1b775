"""The verifier as an auditor uses it: a file, a bundle, a saved checkpoint and a key."""

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.log import auditor_bundle, tiles, verifier
from audit.log.auditor_bundle import Proven
from audit.log.checkpoint import Checkpoint, key_of, sign
from audit.log.merkle import EMPTY_ROOT, leaf_hash
from audit.log.tiles import TileId
from audit.log.verifier import FAILED, INTERNAL, OK, Result, gather, verify_bundle, verify_log

FILE = Path(verifier.__file__)
SIZE, SAVED = 700, 300
LEAVES = [b'{"entry":%d}' % n for n in range(SIZE)]


class Signer:
    """A key of the log, or of somebody else."""

    def __init__(self, seed: bytes, name: str = "cdp.example/audit") -> None:
        self.name = name
        self.private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


LOG, OTHER = Signer(bytes(32)), Signer(bytes(range(32)))
KEY = key_of(LOG).encode()


def _grown(leaves: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    written = tiles.grow(0, [leaf_hash(leaf) for leaf in leaves], lambda _: b"")
    return {(tile.level, tile.index): data for tile, data in written}


STORE = _grown(LEAVES)


def _read(tile: TileId) -> bytes:
    return STORE.get((tile.level, tile.index), b"")


def _note(
    size: int, *, signer: Signer = LOG, origin: str = "cdp.example/log/0", root: bytes | None = None
) -> str:
    return sign(Checkpoint(origin=origin, size=size, root=root or tiles.root(size, _read)), signer)


HEAD = _note(SIZE)
WHOLE = auditor_bundle.of_log(
    HEAD,
    leaves=LEAVES,
    stored=[(TileId(level, index, len(data) // 32), data) for (level, index), data in STORE.items()],
    history=[_note(100), _note(500)],
)


def _single(*indices: int, note: str = HEAD) -> dict[str, Any]:
    return auditor_bundle.of_entries(
        note,
        entries=[Proven(index=n, leaf=LEAVES[n], path=tiles.inclusion(n, SIZE, _read)) for n in indices],
        saved_size=SAVED,
        consistency=tiles.consistency(SAVED, SIZE, _read),
    )


def _outcomes(result: Result) -> dict[str, str]:
    return {name: outcome for _, name, outcome, _ in result.steps}


def test_a_whole_log_is_ok_with_a_pinned_key_and_a_saved_checkpoint() -> None:
    """Every step but the last two passes: nothing was singled out, and no epoch was before."""
    result = verify_bundle(WHOLE, key=KEY, saved=[_note(SAVED)])

    assert result.status == OK
    assert _outcomes(result) == dict.fromkeys(verifier.STEPS, "passed") | dict.fromkeys(
        ("inclusion", "epochs"), "skipped"
    )
    assert (result.first_bad_index, result.interval) == (None, None)


def test_single_entries_are_ok_with_their_proofs() -> None:
    """A certificate's entry verifies without the rest of the log."""
    result = verify_bundle(_single(0, 299, 699), key=KEY, saved=[_note(SAVED)])

    assert result.status == OK
    assert _outcomes(result)["inclusion"] == _outcomes(result)["consistency"] == "passed"


@pytest.mark.parametrize("made", [WHOLE, _single(5)], ids=["whole", "single"])
@pytest.mark.parametrize(
    ("key", "saved"),
    [(None, []), (KEY, []), (None, [_note(SAVED)]), (KEY, [_note(0, root=EMPTY_ROOT)])],
    ids=["neither", "only a key", "only a checkpoint", "a key and an empty checkpoint"],
)
def test_l1_without_both_it_never_says_ok(made: dict[str, Any], key: str | None, saved: list[str]) -> None:
    """A log that agrees with itself is internally consistent only: its owner could have made it anew."""
    assert verify_bundle(made, key=key, saved=saved).status == INTERNAL


@pytest.mark.parametrize("made", [WHOLE, _single(5)], ids=["whole", "single"])
@pytest.mark.parametrize(
    ("head", "saved", "step"),
    [
        (_note(SIZE, signer=OTHER), _note(SAVED), "signature"),
        (HEAD, _note(SAVED, signer=OTHER), "signature"),
        (HEAD, _note(SAVED, origin="cdp.example/log/2"), "consistency"),
        (HEAD, _note(SAVED, root=bytes(32)), "consistency"),
        (HEAD, _note(SIZE, root=bytes(32)), "consistency"),
        (HEAD, _note(SIZE + 1, root=bytes(32)), "consistency"),
        (HEAD, _note(0, root=bytes(32)), "consistency"),
        (_note(SIZE - 1), _note(SAVED), "root"),
        (_note(SIZE, root=bytes(32)), _note(SAVED), "root"),
    ],
)
def test_what_contradicts_the_log_fails_at_its_step(
    made: dict[str, Any], head: str, saved: str, step: str
) -> None:
    """Another key, another log, another past: each is named by the step that finds it."""
    result = verify_bundle({**made, "checkpoint": head}, key=KEY, saved=[saved])

    assert result.status == FAILED
    assert _outcomes(result)["inclusion" if step == "root" and "entries" in made else step] == "failed"


def test_an_earlier_checkpoint_of_its_own_is_held_against_the_log() -> None:
    """History that the leaves do not bear out, or that nobody signed, is a failure, not a remark."""
    for bad in (_note(400, root=bytes(32)), _note(100, signer=OTHER), _note(SIZE + 5, root=bytes(32))):
        result = verify_bundle({**WHOLE, "history": [bad]}, key=KEY, saved=[_note(SAVED)])

        assert result.status == FAILED


@pytest.mark.parametrize("at", [0, 300, 699])
def test_a_single_entry_must_be_the_one_at_its_index(at: int) -> None:
    """Another leaf, index or path is not in the log."""
    good = _single(at)["entries"][0]
    other = _single(42)["entries"][0]

    for bad in (
        {**good, "leaf": other["leaf"]},
        {**good, "index": 42},
        {**good, "path": other["path"]},
        {**good, "index": -1},
        {**good, "index": at + 1024},
        {**good, "index": at - 1024},
    ):
        result = verify_bundle({**_single(at), "entries": [bad]}, key=KEY, saved=[_note(SAVED)])
        assert result.status == FAILED
        assert _outcomes(result)["inclusion"] == "failed"


def test_single_entries_need_a_proof_from_the_saved_size() -> None:
    """Without a consistency proof from exactly that checkpoint, the saved one anchors nothing."""
    made = _single(5)
    without = {name: made[name] for name in made if name != "consistency"}

    assert verify_bundle(without, key=KEY, saved=[_note(SAVED)]).status == FAILED
    assert verify_bundle(made, key=KEY, saved=[_note(SAVED + 1)]).status == FAILED
    assert verify_bundle(without, key=KEY, saved=[HEAD]).status == OK
    for size in (SAVED + 1, SAVED + 1024):
        claimed = {**made, "consistency": {**made["consistency"], "from": size}}
        wrong = _note(size, root=tiles.root(SAVED, _read))
        assert verify_bundle(claimed, key=KEY, saved=[wrong]).status == FAILED
        assert verify_bundle(made, key=KEY, saved=[wrong]).status == FAILED


def test_an_empty_bundle_fails() -> None:
    """All of nothing holds, so nothing must not pass."""
    empty = {"format": auditor_bundle.FORMAT, "checkpoint": HEAD}
    nothing = {"format": auditor_bundle.FORMAT, "checkpoint": _note(0, root=EMPTY_ROOT), "leaves": []}

    assert verify_bundle(empty, key=KEY, saved=[HEAD]).status == FAILED
    assert verify_bundle(nothing, key=KEY, saved=[_note(0, root=EMPTY_ROOT)]).status == INTERNAL


def test_a_row_that_was_altered_is_named() -> None:
    """Where tiles survive, the first bad index is exact; where they do not, the signed interval."""
    altered = copy.deepcopy(WHOLE)
    altered["leaves"][420] = altered["leaves"][421]
    saved = [_note(SAVED)]
    bare = {**altered, "tiles": {}}

    assert verify_bundle(altered, key=KEY, saved=saved).first_bad_index == 420
    assert verify_bundle(bare, key=KEY, saved=saved).interval == (300, 500)
    assert _outcomes(verify_bundle(bare, key=KEY, saved=saved))["tiles"] == "skipped"


def test_an_unsigned_tail_is_no_part_of_the_log() -> None:
    """F4: leaves beyond the checkpoint fail, and the first of them is named."""
    longer = {**WHOLE, "leaves": [*WHOLE["leaves"], WHOLE["leaves"][0]], "tiles": {}}

    assert verify_bundle(longer, key=KEY, saved=[HEAD]).status == FAILED
    assert verify_bundle(longer, key=KEY, saved=[HEAD]).first_bad_index == SIZE


def test_leaves_may_come_as_a_stream() -> None:
    """A database is verified row by row; never more than a tile's hashes a level are held."""
    evidence = gather(HEAD, key=KEY, saved=[_note(SAVED)], history=[_note(500)])
    held: list[int] = []

    def rows() -> Iterator[bytes]:
        for leaf in LEAVES:
            held.append(sum(map(len, replay._levels)))
            yield leaf

    replay = verifier.Replay({SIZE, SAVED, 500}, lambda level, index: STORE.get((level, index)))
    for start in range(0, SIZE, 37):
        replay.feed(LEAVES[start : start + 37])
    piecemeal = verifier.judge(replay.finish(), evidence)
    replay = verifier.Replay({SIZE, SAVED, 500}, lambda level, index: STORE.get((level, index)))
    replay.feed(rows())

    assert piecemeal == verifier.judge(replay.finish(), evidence)
    assert piecemeal == verify_log(iter(LEAVES), evidence, lambda level, index: STORE.get((level, index)))
    assert piecemeal.status == OK
    assert max(held) < 2 * 256


paths = st.lists(
    st.one_of(st.sampled_from(sorted(WHOLE)), st.integers(0, 2), st.just("index")), min_size=1, max_size=3
)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["AAAA", HEAD])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["index", "leaf", "path", "from", "tile/0/000", "x"]), inner, max_size=4
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.sampled_from([WHOLE, _single(5)]), paths, junk)
def test_no_bundle_makes_it_stumble_or_say_ok(made: dict[str, Any], where: list[Any], put: Any) -> None:
    """Whatever is put wherever into a bundle, the answer is a verdict, and ok only for what holds."""
    broken: Any = copy.deepcopy(made)
    holder: Any = broken
    for step in where[:-1]:
        try:
            holder = holder[step]
        except (LookupError, TypeError):
            break
    try:
        holder[where[-1]] = put
    except (LookupError, TypeError):
        broken = put
    result = verify_bundle(broken, key=KEY, saved=[_note(SAVED)])

    assert result.status in (OK, FAILED, INTERNAL)
    if not isinstance(broken, dict) or broken.get("checkpoint") != HEAD:
        assert result.status == FAILED
    assert verify_bundle(broken, key=None).status in (FAILED, INTERNAL)


def test_what_cannot_be_read_fails_without_showing_it() -> None:
    """A malformed bundle, key or checkpoint is a failure whose reason repeats nothing of it."""
    for result in (
        verify_bundle({**WHOLE, "format": "cdp/audit-bundle/2"}, key=KEY),
        verify_bundle({**WHOLE, "tiles": {"tile/alice@example.com/000": ""}}, key=KEY),
        verify_bundle(WHOLE, key="alice@example.com"),
        verify_bundle(WHOLE, key=KEY, saved=["alice@example.com"]),
    ):
        assert result.status == FAILED
        assert result.steps[0][1] == "reading"
        assert "alice" not in result.steps[0][3]


def test_it_imports_nothing_of_ours() -> None:
    """Whoever distrusts us reads one file: the standard library and `cryptography`, nothing else."""
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(FILE.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        )
    }

    assert imported <= set(sys.stdlib_module_names) | {"cryptography"}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the file as a program, in a place where nothing of ours can be imported."""
    (tmp_path / "saved").write_text(_note(SAVED))

    def run(made: Any, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "bundle.json").write_text(made if isinstance(made, str) else json.dumps(made))
        command = [sys.executable, "-I", "-W", "error", str(FILE), "bundle.json", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_its_exit_codes(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """0 ok, 1 failed, 3 internally consistent only, 2 for a wrong call; the last line is the verdict."""
    altered = {**WHOLE, "leaves": [*WHOLE["leaves"][:9], "AAAA", *WHOLE["leaves"][10:]]}
    anchored = ("--key", KEY, "--checkpoint", "saved")
    ok, failed, internal, wrong = (
        run(WHOLE, *anchored),
        run(altered, *anchored),
        run(WHOLE, "--key", KEY),
        run("{", *anchored),
    )

    assert [one.returncode for one in (ok, failed, internal, wrong)] == [0, 1, 3, 2]
    assert ok.stdout.splitlines()[-1] == "ok"
    assert failed.stdout.splitlines()[-2:] == ["first bad index: 9", "failed"]
    assert internal.stdout.splitlines()[-1] == "internally consistent only"
