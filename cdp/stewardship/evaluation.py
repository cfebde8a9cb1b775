"""How well identities are linked, held against a known truth: pairwise and B-cubed.

Pairwise precision and recall count pairs of records (Christen, Data Matching, 2012, ch. 7);
B-cubed averages over records (Bagga and Baldwin 1998). Records that were not imported, or
that identify nobody, count as alone: a link that is not made costs recall.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.ports import Ports
from cdp.vocabulary import Identifier
from cdp.work import Work

SHOWN = 50
LOOKED_UP = 2000


class BadTruth(BadInput):
    """The truth names the person of each record, once: as CSV, a header and source record id, person id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the links are worth. `false_merges` name record ids of the first wrong pairs."""

    precision: float
    recall: float
    bcubed_precision: float
    bcubed_recall: float
    profiles: int
    records: int
    false_merges: Sequence[tuple[str, str]]

    @property
    def f1(self) -> float:
        """The harmonic mean of pairwise precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def evaluate(people: Mapping[str, str], *, work: Work, ports: Ports) -> Score:
    """Score the links between these records (source record id -> person). Raises `ActNotAllowed`."""
    with acting(Act.IDENTITY_EVALUATE, work=work, ports=ports) as doing:
        found = _profiles(list(people), work=work, ports=ports)
        member = ports.identity.members()
        profiles = work.session.scalar(select(func.count(func.distinct(member.c.profile_id)))) or 0
        # A record that is not there is a cluster of its own.
        clusters: dict[str, object] = {record: found.get(record, record) for record in people}
        doing.tell(records=len(people))
        return score(people, clusters, profiles=profiles)


def score(people: Mapping[str, str], clusters: Mapping[str, object], *, profiles: int) -> Score:
    """Score `clusters` (record -> cluster) against `people` (record -> person)."""
    joint = Counter((clusters[record], person) for record, person in people.items())
    of_cluster = Counter(clusters[record] for record in people)
    of_person = Counter(people.values())
    right, linked, true = (sum(n * (n - 1) // 2 for n in c.values()) for c in (joint, of_cluster, of_person))
    records = len(people)
    return Score(
        precision=right / linked if linked else 1.0,
        recall=right / true if true else 1.0,
        bcubed_precision=sum(n * n / of_cluster[c] for (c, _), n in joint.items()) / max(records, 1),
        bcubed_recall=sum(n * n / of_person[p] for (_, p), n in joint.items()) / max(records, 1),
        profiles=profiles,
        records=records,
        false_merges=_wrong(people, clusters),
    )


def _wrong(people: Mapping[str, str], clusters: Mapping[str, object]) -> list[tuple[str, str]]:
    members: dict[object, list[str]] = defaultdict(list)
    for record in people:
        members[clusters[record]].append(record)
    wrong = []
    for records in members.values():
        for number, one in enumerate(records):
            wrong += [(one, other) for other in records[number + 1 :] if people[one] != people[other]]
    return sorted(wrong)[:SHOWN]


def read(truth: Path) -> dict[str, str]:
    """What a file says of who is who. Raises `BadTruth`."""
    try:
        with truth.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        return known([(row[0], row[1]) for row in rows if row])
    except (OSError, UnicodeDecodeError, csv.Error, IndexError):
        raise BadTruth(field="truth") from None


def known(records: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Whose each record is. Raises `BadTruth` for none at all, and for a record of two people."""
    named = list(dict.fromkeys(records))
    people = dict(named)
    # Nothing to be wrong about would score as nothing wrong, and a record of two people as either.
    if not people or len(people) < len(named):
        raise BadTruth(field="truth")
    return people


def _profiles(records: Sequence[str], *, work: Work, ports: Ports) -> dict[str, UUID]:
    """The profile of each record that was imported, by whatever source knows it under that id."""
    namespaces = [
        name for name in ports.identity.namespaces(work=work) if name.startswith("crm:") or name == "user_id"
    ]
    found: dict[str, UUID] = {}
    for namespace in namespaces:
        named = {}
        for record in records:
            value = ports.vault.normalise(namespace, record, region=None)
            if value is not None:
                named[Identifier(namespace, value)] = record
        asked = list(named)
        for start in range(0, len(asked), LOOKED_UP):
            part = asked[start : start + LOOKED_UP]
            contacts = ports.identity.contacts_of(part, work=work)
            owners = ports.identity.known_as(list(contacts.values()), work=work)
            found |= {
                named[identifier]: owners[contact]
                for identifier, contact in contacts.items()
                if contact in owners
            }
    return found
