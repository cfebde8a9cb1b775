"""Invented workspaces with a history of consent, from a seed: people, purposes, words, asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import insert
from worlds.fakes_consent import CONTROLLER, Fragment, Parts, settle_in

from cdp.ports import Ask, Ground, PersonFacts, Word
from cdp.vocabulary import (
    Basis,
    Channel,
    ContactId,
    FragmentId,
    NoticeId,
    ProfileId,
    PurposeClass,
    PurposeId,
    Scope,
    State,
    Trust,
)
from cdp.work import Work
from consent import tables
from consent.register import controller_rows, purpose_tree, register
from consent.register.purpose_tree import Reserved

START = datetime(2026, 1, 1, tzinfo=UTC)
AT = START + timedelta(hours=100)
OTHER_CONTROLLER = UUID("00000000-0000-7000-8000-0000000d0d0b")

# name: (parent, basis, class, needs_contact, opt_out_offered, assessed, controller is ours)
PURPOSES = {
    "outreach": (None, Basis.CONSENT, PurposeClass.MARKETING, True, False, False, True),
    "news": ("outreach", Basis.CONSENT, PurposeClass.MARKETING, True, False, False, True),
    "profiling": (None, Basis.CONSENT, PurposeClass.MARKETING, False, False, False, True),
    "health": (None, Basis.CONSENT, PurposeClass.SERVICE, True, False, False, True),
    "research": (None, Basis.CONSENT, PurposeClass.SERVICE, False, False, False, False),
    "orders": (None, Basis.CONTRACT, PurposeClass.SERVICE, True, False, False, True),
    "receipts": ("orders", Basis.CONTRACT, PurposeClass.SERVICE, False, False, False, True),
    "breach": (None, Basis.LEGAL_OBLIGATION, PurposeClass.LEGAL, True, False, False, True),
    "insight": (None, Basis.LEGITIMATE_INTEREST, PurposeClass.MARKETING, False, False, True, True),
    "security": (None, Basis.LEGITIMATE_INTEREST, PurposeClass.SERVICE, False, False, True, True),
    "stale": (None, Basis.LEGITIMATE_INTEREST, PurposeClass.SERVICE, False, False, False, True),
    "similar": (None, Basis.SOFT_OPT_IN, PurposeClass.MARKETING, True, True, False, True),
    "pushy": (None, Basis.SOFT_OPT_IN, PurposeClass.MARKETING, True, False, False, True),
    "cold": (None, Basis.OPT_OUT, PurposeClass.MARKETING, True, True, False, True),
    "spam": (None, Basis.OPT_OUT, PurposeClass.MARKETING, True, False, False, True),
}
RECIPIENTS = {
    "mailer": ("DE", False, True, None),
    "overseas": ("IN", False, True, None),
    "broker": ("US", True, True, AT + timedelta(days=1)),
    "lapsed": ("US", False, True, AT - timedelta(hours=1)),
    "former": ("DE", False, False, None),
    "domestic": ("CN", False, True, None),
}
CONSENTED = ("news", "profiling", "health", "research", "similar", Reserved.SALE_OR_SHARE)
SEPARATE = (Reserved.ANOTHER_HANDLER, Reserved.CROSS_BORDER)
SOLD = 8  # how much more often than others sale and sharing is spoken of
RESIDENCES = [
    ("DE", None),
    ("US", "US-NY"),
    ("DE", None),
    ("AT", None),
    ("US", "US-CA"),
    ("US", "US-NY"),
    ("CN", None),
    (None, None),
    ("BR", None),
]
NAMESPACES = ("email", "phone", "user_id")


@dataclass(frozen=True, kw_only=True)
class World:
    """What a test must know of the workspace that was made."""

    fragments: Sequence[Fragment]
    grounds: Sequence[Ground]
    asks: Sequence[Ask]


def build(seed: int, work: Work, consent: Parts, *, people: int = 14, words: int = 150) -> World:
    """Make a workspace's history; the words are recorded in chunks, in no order of time."""
    random = Random(seed)
    _controllers(Random(seed + 1), work)
    notices = _register(random, Random(seed + 2), work)
    fragments = _people(random, people)
    settle_in(fragments, work)
    consent.ledger.describe(
        [
            PersonFacts(core=core, country=country, region=region, born=_born(random))
            for core in sorted({one.core for one in fragments})
            if random.random() < 0.8
            for country, region in [random.choice(RESIDENCES)]
        ],
        work=work,
    )
    grounds = [_ground(random, fragments) for _ in range(people)]
    consent.ledger.ground(grounds, work=work)
    spoken = [_word(random, fragments, notices, purpose_tree.load(work).by_id) for _ in range(words)]
    while spoken:
        size = random.randint(1, 12)
        consent.ledger.record(spoken[:size], work=work)
        spoken = spoken[size:]
    rotating = [*PURPOSES, "unheard_of", *Reserved]
    purposes_asked = [rotating[(4 * seed + n) % len(rotating)] for n in range(4)] + [*CONSENTED[:-1]]
    asks = [
        Ask(
            purpose=purpose,
            channel=random.choice([Channel.EMAIL, Channel.EMAIL, Channel.SMS, Channel.POST, None, None]),
            recipient=random.choice([None, None, "mailer", "broker", "broker", *RECIPIENTS, "nobody"]),
        )
        for purpose in purposes_asked
    ]
    return World(fragments=fragments, grounds=grounds, asks=asks)


def _controllers(random: Random, work: Work) -> None:
    """Two controllers of which one or the other may be registered, mostly in a country that adds nothing."""
    for name, own in (("ours", CONTROLLER), ("other", OTHER_CONTROLLER)):
        seats = random.choice([None, ["US"], ["US"], ["US"], ["DE"], ["US", "CN"], ["BR"]])
        offers = random.choice([[], [], [], ["US-NY"], ["US-CA"], ["FR"], ["CN", "US"], ["IN"]])
        if seats is not None:
            controller_rows.add(
                controller_rows.Controller(id=own, name=name, establishments=seats, offers=offers), work=work
            )


def _register(random: Random, contracts: Random, work: Work) -> list[NoticeId]:
    register.seed(work)
    work.session.execute(
        insert(tables.purposes),
        [
            {
                "workspace_id": work.workspace,
                "id": purpose_tree.purpose_id(work.workspace, name),
                "name": name,
                "parent_id": purpose_tree.purpose_id(work.workspace, parent) if parent else None,
                "basis": basis,
                "purpose_class": purpose_class,
                "controller_id": CONTROLLER if ours else OTHER_CONTROLLER,
                "law_cited": random.choice(["GDPR 34", None]),
                "needs_contact": needs_contact,
                "opt_out_offered": opt_out,
                "assessment_until": AT + timedelta(days=1) if assessed else AT,
                "special": name == "health",
                "created_at": START,
            }
            for name, (
                parent,
                basis,
                purpose_class,
                needs_contact,
                opt_out,
                assessed,
                ours,
            ) in PURPOSES.items()
        ],
    )
    for name, (country, sells, contracted, transfer) in RECIPIENTS.items():
        register.add_recipient(
            name,
            controller=contracts.choice([CONTROLLER, CONTROLLER, CONTROLLER, OTHER_CONTROLLER]),
            legal_entity="Invented Ltd",
            role=contracts.choice(["processor", "entrusted", "joint", "independent"]),
            country=country,
            contract_until=AT + timedelta(days=1) if contracted else AT,
            sale_or_share=sells,
            transfer_until=transfer,
            work=work,
        )
    every = [*PURPOSES, *SEPARATE, Reserved.SALE_OR_SHARE]
    named = [
        (every, [*RECIPIENTS]),
        (every[:-1], [*RECIPIENTS]),
        (random.sample(every, 8), random.sample([*RECIPIENTS], 3)),
        (["news"], []),
    ]
    return [
        register.add_notice(
            "privacy",
            text=f"version {number}",
            language="en",
            controller=CONTROLLER,
            purposes=about,
            recipients=to,
            work=work,
        )
        for number, (about, to) in enumerate(named)
    ]


def _people(random: Random, people: int) -> list[Fragment]:
    """Profiles of one to two cores of one to two fragments, sharing some contacts; and devices."""
    space = UUID(int=random.getrandbits(128))
    pool = [(ContactId(uuid5(space, f"contact {n}")), random.choice(NAMESPACES)) for n in range(2 * people)]
    made: list[Fragment] = []
    for person in range(people):
        profile: ProfileId | None = None
        for side in range(random.choice([1, 1, 1, 2])):
            ids = [
                FragmentId(uuid5(space, f"fragment {person} {side} {n}"))
                for n in range(random.choice([1, 1, 2]))
            ]
            core = ProfileId(min(ids))
            profile = profile or core
            for one in ids:
                goes_by = random.sample(pool, random.choice([1, 2, 2, 3]))
                made.append(Fragment(id=one, core=core, profile=profile, goes_by=goes_by))
    for device in range(people // 2):
        one = FragmentId(uuid5(space, f"device {device}"))
        owner = random.choice(made)
        lends_to = owner.profile if random.random() < 0.7 else None
        goes_by = [(ContactId(uuid5(space, f"anonymous {device}")), "anonymous_id")]
        verified = device % 3 == 0
        made.append(
            Fragment(
                id=one,
                core=owner.core if verified else ProfileId(one),
                profile=owner.profile if verified else ProfileId(one),
                lends_to=None if verified else lends_to,
                goes_by=goes_by,
            )
        )
    return made


def _born(random: Random) -> date | None:
    """Any age; often one whose next birthday that matters is about now."""
    if random.random() < 0.15:
        return None
    years = random.choice([8, 12, 13, 14, 14, 15, 16, 16, 16, 18, 40, 40, 40, 40, 40, 40])
    return date(2026 - years, 1, 1) + timedelta(days=random.choice([-400, -1, 3, 3, 3, 4, 4, 200]))


def _ground(random: Random, fragments: Sequence[Fragment]) -> Ground:
    since = START + timedelta(hours=random.choice([0, 50, 99, 100, 101]))
    return Ground(
        fragment=random.choice(fragments).id,
        kind=random.choice(["order", "account", "sale", "notice", "notice", "third_party"]),
        controller_id=random.choice([CONTROLLER, CONTROLLER, OTHER_CONTROLLER]),
        since=since,
        until=random.choice([None, None, since + timedelta(hours=1), AT]),
    )


def _word(
    random: Random,
    fragments: Sequence[Fragment],
    notices: Sequence[NoticeId],
    known: dict[PurposeId, purpose_tree.Purpose],
) -> Word:
    named = sorted(known.values(), key=lambda purpose: purpose.name)
    weights = [
        SOLD
        if one.name == Reserved.SALE_OR_SHARE
        else 1 + 5 * (one.name in CONSENTED) + (one.name in SEPARATE)
        for one in named
    ]
    purpose = random.choices(named, weights)[0]
    scope = random.choice([Scope.CONTACT, Scope.CONTACT, Scope.PERSON, Scope.PERSON, Scope.DEVICE])
    giver = random.choice(fragments[-len(fragments) // 4 :] if scope is Scope.DEVICE else fragments)
    states = [State.GIVEN] * 7 + [State.REQUESTED] * 4 + [State.REFUSED, State.WITHDRAWN, State.OBJECTED]
    stops = purpose.name in (Reserved.RESTRICTION, Reserved.DECEASED)
    if stops:
        states = [State.GIVEN, State.RESTRICTED]
    received = START + timedelta(hours=random.randint(2, 6))
    return Word(
        scope=scope,
        fragment=giver.id,
        contact=random.choice(giver.goes_by)[0] if scope is Scope.CONTACT else None,
        purpose=purpose.id,
        channel=random.choice([None, None, Channel.EMAIL, Channel.SMS]),
        state=random.choice(states),
        evidence=random.choice(["form", "form", "paper", "form" if stops else "snapshot"]),
        trust=Trust.VERIFIED,
        received_at=received,
        asserted_at=received - timedelta(hours=random.choice([0, 0, 1, 2])),
        notice=random.choice([*notices, *notices[:2] * 2, None]),
        guardian=random.random() < 0.25,
        explicit=random.random() < 0.5,
        expires_at=random.choice([None, None, AT, AT + timedelta(hours=1)]),
    )
