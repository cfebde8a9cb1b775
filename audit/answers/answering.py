"""A question, answered from blocks that are vouched for: all entries that fit, and no others.

What a read can prove, it proves here: that each entry it shows is in the signed tree, and that none
that fits is missing or counted too much. That takes every block of the log once, which a process then
keeps; of a log that is longer than it has patience for, the newest part is proved, and the answer says
from which entry on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from audit.answers.vouching import AT_ONCE, Block, Parts, Tree, Vouching
from audit.log.tiles import WIDTH
from audit.search.documents import micros
from cdp.ports import TrailQuery
from cdp.work import Work

Place = tuple[int, int]  # epoch, index
FIRST: Place = (0, 0)


@dataclass(slots=True, kw_only=True)
class Answer:
    """Places newest first, how many fit in all, counts by field.

    `proved_from` is the oldest entry that was looked at; everything from there on was. `unknown`: of
    some entries nobody can tell any more who received, and the question is about that.
    """

    places: list[Place]
    total: int
    facets: dict[str, Counter[str]] = field(default_factory=dict)
    proved_from: Place | None = FIRST
    unknown: bool = False

    @property
    def whole(self) -> bool:
        """Whether the whole log was looked at."""
        return self.proved_from == FIRST and not self.unknown


@dataclass(slots=True, kw_only=True)
class Asking:
    """One question on its way through the log, from the newest block to the oldest."""

    vouching: Vouching
    query: TrailQuery
    size: int  # places that are wanted
    after: Place | None = None  # places below it alone are wanted; all are counted
    below: Place | None = None  # nothing at or behind it is looked at
    patience: float | None  # seconds that blocks may be made in; None: as long as it takes
    work: Work
    answer: Answer = field(init=False)
    parts: Parts = field(init=False)
    times: tuple[int | None, int | None] = field(init=False)

    def __post_init__(self) -> None:
        """Nothing has been found yet."""
        query = self.query
        self.answer = Answer(places=[], total=0, facets={name: Counter() for name in query.facets})
        self.parts = Parts(
            people=query.references is not None,
            recipients=query.recipient is not None or "recipient" in query.facets,
        )
        self.times = (
            micros(query.since) if query.since is not None else None,
            micros(query.until) if query.until is not None else None,
        )

    def run(self, trees: Sequence[Tree], *, all_of_them: bool) -> Answer:
        """The answer over the epochs of `trees`, newest first. Raises `LogContradicted`.

        `all_of_them`: no epoch lies before the last of them.
        """
        end = monotonic() + self.patience if self.patience is not None else None
        for tree in trees:
            last = -(-tree.end.size // WIDTH)
            for stop in range(last, 0, -AT_ONCE):
                numbers = range(max(0, stop - AT_ONCE), stop)
                late = end is not None and monotonic() > end
                if late and not all(self._known(tree, number) for number in numbers):
                    self.answer.proved_from = (tree.end.epoch, stop * WIDTH) if stop < last else None
                    if stop == last and tree is not trees[0]:
                        self.answer.proved_from = (trees[trees.index(tree) - 1].end.epoch, 0)
                    return self.answer
                blocks = self.vouching.blocks(tree, numbers, self.parts, work=self.work)
                for number, block in zip(reversed(numbers), reversed(blocks), strict=True):
                    self._take((tree.end.epoch, number * WIDTH), block)
        if not all_of_them:
            self.answer.proved_from = (trees[-1].end.epoch, 0)
        return self.answer

    def _known(self, tree: Tree, number: int) -> bool:
        return self.vouching.has(tree, number, self.parts, work=self.work)

    def _take(self, first: Place, block: Block) -> None:
        """What of a block fits."""
        fitting = self._upto(first, block) & self._fitting(block)
        self.answer.unknown |= self.parts.recipients and bool(block.unknown)
        if not fitting:
            return
        self.answer.total += fitting.bit_count()
        for name, counts in self.answer.facets.items():
            values = block.recipients if name == "recipient" else block.words[name]
            for value, places in (values or {}).items():
                if number := (places & fitting).bit_count():
                    counts[str(value)] += number
        while fitting and len(self.answer.places) < self.size:
            place = fitting.bit_length() - 1
            fitting ^= 1 << place
            at = (first[0], first[1] + place)
            if self.after is None or at < self.after:
                self.answer.places.append(at)

    def _upto(self, first: Place, block: Block) -> int:
        """The entries of a block that are looked at."""
        if self.below is None or (first[0], first[1] + block.count) <= self.below:
            return block.everything
        if first >= self.below:
            return 0
        return (1 << self.below[1] - first[1]) - 1

    def _fitting(self, block: Block) -> int:
        query, found = self.query, block.between(*self.times)
        for name, sets in block.words.items():
            if (value := getattr(query, name)) is not None:
                found &= sets.get(value, 0)
        if query.recipient is not None:
            found &= (block.recipients or {}).get(query.recipient, 0)
        if query.references is not None:
            found &= block.named(query.references)
        return found
