"""The register of acts: everything that somebody does or looks at, once.

An act is one use case of `cdp`: it asks the policy for what stands here, does it, and leaves the
entry that stands here, all in one Work (`cdp.acting`). Commands, routes and jobs only call it.
`docs/acts.md` is this register, printed.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from cdp.vocabulary import Action, Actor, Resource, State


class Kept(StrEnum):
    """How the log keeps an act that was done."""

    ENTRY = auto()  # one entry, in the transaction of the act
    COUNTED = auto()  # one entry for each actor and minute, with how often


@dataclass(frozen=True, slots=True)
class Permission:
    """What a line of the policy allows, and a scope of a token."""

    resource: Resource
    action: Action

    @property
    def scope(self) -> str:
        """As it stands in an access token: `resource:action`."""
        return f"{self.resource}:{self.action}"


@dataclass(frozen=True, slots=True)
class Deed:
    """What the register says of one act.

    `subject` and `verb` are its name in the log, behind who did it: `client:segment:create`.
    `needs` is what the policy has to allow (None: it is not asked, for nobody knows yet who comes),
    `may_need` what it is asked besides in some cases.
    `purpose` is why, in a word of the log; empty: whoever acts states a purpose of the workspace's.
    `shows`: it shows values of people. `verbs` are those of its entries, where they say more exactly
    what was done. `heard`: it can carry a person's no, so who may do it is heard whatever has become of
    their contract or secret; what widens is then refused by the act.
    """

    subject: str
    verb: str
    needs: Permission | None
    purpose: str
    may_need: tuple[Permission, ...] = ()
    shows: bool = False
    kept: Kept = Kept.ENTRY
    verbs: tuple[str, ...] = ()
    heard: bool = False


_SEGMENTATION, _OPERATION, _AUTHENTICATION = "segmentation", "operation", "authentication"
_CONSENT = "consent_management"
EXACT_COUNTS = Permission(Resource.AUDIENCE, Action.READ_EXACT)
EXACT_REASONS = Permission(Resource.CONSENT, Action.READ_EXACT)
AS_CONTROLLER = Permission(Resource.PROFILE, Action.READ_AS_CONTROLLER)
_STEWARDSHIP, _PROTECTION = "identity_stewardship", "data_protection"
_RUNS_JOBS = Permission(Resource.JOB, Action.RUN)
_IMPORTS = Permission(Resource.IMPORT, Action.RUN)
_DECIDES = Permission(Resource.FINDING, Action.DECIDE)
_MERGES = Permission(Resource.IDENTITY, Action.MERGE)
_READS_IDENTITY = Permission(Resource.IDENTITY, Action.READ)
_WRITES_WORDS = Permission(Resource.CONSENT, Action.WRITE)
_READS_SEGMENTS = Permission(Resource.SEGMENT, Action.READ)
_AGREES = Permission(Resource.POLICY, Action.AGREE)
_READS_POLICY = Permission(Resource.POLICY, Action.READ)
_READS_LOG = Permission(Resource.AUDIT, Action.READ)
_READS_SOURCES = Permission(Resource.SOURCE, Action.READ)
_MAKES_SOURCES = Permission(Resource.SOURCE, Action.WRITE)
_READS_CLIENTS = Permission(Resource.CLIENT, Action.READ)
_MAKES_CLIENTS = Permission(Resource.CLIENT, Action.WRITE)
_READS_ACCOUNTS = Permission(Resource.ACCOUNT, Action.READ)
_MAKES_ACCOUNTS = Permission(Resource.ACCOUNT, Action.WRITE)
CHANGES_BASIS = Permission(Resource.PURPOSE, Action.CHANGE_BASIS)
_READS_PURPOSES = Permission(Resource.PURPOSE, Action.READ)
_MAKES_PURPOSES = Permission(Resource.PURPOSE, Action.WRITE)
_READS_RECIPIENTS = Permission(Resource.RECIPIENT, Action.READ)
_MAKES_RECIPIENTS = Permission(Resource.RECIPIENT, Action.WRITE)
_READS_CONTROLLERS = Permission(Resource.CONTROLLER, Action.READ)
_SETS_CONTROLLERS = Permission(Resource.CONTROLLER, Action.WRITE)


class Act(Enum):
    """Every act there is."""

    # Looking at one person.
    PROFILE_READ = Deed(
        "profile",
        "read",
        Permission(Resource.PROFILE, Action.READ),
        "profile_read",
        may_need=(AS_CONTROLLER, EXACT_REASONS),
        shows=True,
    )

    # What people say. A no counts whoever brings it.
    CONSENT_SAY = Deed(
        "consent",
        "say",
        _WRITES_WORDS,
        _CONSENT,
        may_need=(EXACT_REASONS,),
        verbs=tuple(str(state) for state in State),
        heard=True,
    )
    CONSENT_SUPPRESS = Deed(
        "consent", "suppress", _WRITES_WORDS, _CONSENT, may_need=(EXACT_REASONS,), heard=True
    )
    HOLDER_CHANGE = Deed(
        "consent", "holder-change", _WRITES_WORDS, _CONSENT, may_need=(EXACT_REASONS,), heard=True
    )
    NOTICE_SERVE = Deed("consent", "notice-served", _WRITES_WORDS, _CONSENT, may_need=(EXACT_REASONS,))
    FORMS_RECORD = Deed("consent", "record-forms", _WRITES_WORDS, _CONSENT)
    CONSENT_READ = Deed("consent", "read", EXACT_REASONS, _CONSENT, shows=True)
    GRANTS_REFUSED = Deed("consent", "count-refused", EXACT_REASONS, _CONSENT, kept=Kept.COUNTED)

    # What a person may ask for.
    SUBJECT_ACCESS = Deed(
        "subject", "access", Permission(Resource.SUBJECT, Action.ACCESS), "subject_access", shows=True
    )
    SUBJECT_ERASE = Deed(
        "subject",
        "erase",
        Permission(Resource.SUBJECT, Action.ERASE),
        "subject_erasure",
        verbs=("foresee-erasure",),
    )
    ERASURE_CERTIFY = Deed("subject", "certify", _RUNS_JOBS, "subject_erasure")

    # Who is who.
    IDENTITY_SEPARATE = Deed(
        "identity",
        "separate",
        Permission(Resource.IDENTITY, Action.UNMERGE),
        _STEWARDSHIP,
        verbs=("foresee-separation",),
    )
    IDENTITY_JOIN = Deed("identity", "join", _MERGES, _STEWARDSHIP)
    IDENTITY_REJOIN = Deed("identity", "rejoin", _MERGES, _STEWARDSHIP)
    IDENTITY_WAIVE = Deed("identity", "waive", _MERGES, _STEWARDSHIP)
    IDENTITY_QUARANTINED = Deed("identity", "quarantined", _READS_IDENTITY, _STEWARDSHIP)
    IDENTITY_DRAW = Deed("identity", "draw", _READS_IDENTITY, _STEWARDSHIP)
    IDENTITY_EVALUATE = Deed("identity", "evaluate", _READS_IDENTITY, _STEWARDSHIP)

    # What comes in, and what was found in it. A file is imported by command alone: it is taken whole or not
    # at all, however large it is; over HTTP the same records come as messages.
    FILE_IMPORT = Deed("file", "import", _IMPORTS, "import", verbs=("foresee-import",))
    RECORDS_IMPORT = Deed("record", "import", _IMPORTS, "import")
    VERDICT_READ = Deed(
        "verdict", "read", Permission(Resource.VERDICT, Action.READ), "verdict_reading", kept=Kept.COUNTED
    )
    QUARANTINE_LIST = Deed(
        "quarantine", "list", Permission(Resource.QUARANTINE, Action.READ), _OPERATION, kept=Kept.COUNTED
    )
    QUARANTINE_REQUEUE = Deed(
        "quarantine", "requeue", Permission(Resource.QUARANTINE, Action.RUN), _OPERATION
    )
    QUARANTINE_DESTROY = Deed("quarantine", "destroy", _RUNS_JOBS, "retention")
    FINDING_LIST = Deed("finding", "list", Permission(Resource.FINDING, Action.READ), _PROTECTION, shows=True)
    FINDING_DECIDE = Deed("finding", "decide", _DECIDES, _PROTECTION)
    INBOX_INGEST = Deed("inbox", "ingest", _RUNS_JOBS, "ingest")
    INBOX_QUARANTINE = Deed("inbox", "quarantine", _RUNS_JOBS, "ingest")
    TEXT_SCAN = Deed("text", "scan", _RUNS_JOBS, _PROTECTION)
    TEXT_RESCAN = Deed("text", "rescan", _DECIDES, _PROTECTION)

    # Whom a marketer means.
    SEGMENT_CREATE = Deed("segment", "create", Permission(Resource.SEGMENT, Action.WRITE), _SEGMENTATION)
    SEGMENT_LIST = Deed("segment", "list", _READS_SEGMENTS, _SEGMENTATION, kept=Kept.COUNTED)
    AUDIENCE_PREVIEW = Deed(
        "audience",
        "preview",
        Permission(Resource.AUDIENCE, Action.PREVIEW),
        "audience_preview",
        may_need=(EXACT_COUNTS, EXACT_REASONS),
    )
    # Personal data leaves. Each batch has entries of its own; what has left is told whatever the policy says
    # by then.
    RELEASE_RUN = Deed(
        "release",
        "start",
        Permission(Resource.RELEASE, Action.RUN),
        "release",
        may_need=(EXACT_COUNTS, EXACT_REASONS),
        verbs=("intend", "send", "finish"),
    )
    RELEASE_SWEEP = Deed("release", "sweep", _RUNS_JOBS, "release")

    POLICY_LINES_PROPOSE = Deed("policy", "propose", Permission(Resource.PURPOSE, Action.WRITE), _OPERATION)
    POLICY_LINES_AGREE = Deed("policy", "agree", _AGREES, _OPERATION)
    POLICY_LINES_WITHDRAW = Deed("policy", "withdraw", _AGREES, _OPERATION)
    POLICY_LINES_LIST = Deed(
        "policy", "list", Permission(Resource.PURPOSE, Action.READ), _OPERATION, kept=Kept.COUNTED
    )
    POLICY_SHOW = Deed("policy", "show", _READS_POLICY, _OPERATION, kept=Kept.COUNTED)
    POLICY_MATRIX = Deed("policy", "matrix", _READS_POLICY, _OPERATION, kept=Kept.COUNTED)
    POLICY_DIFF = Deed("policy", "diff", _READS_POLICY, _OPERATION, kept=Kept.COUNTED)
    POLICY_ADOPT = Deed("policy", "adopt", _AGREES, _OPERATION)
    # Of whoever starts a process: what no policy is in force for yet, and another file than the one in force.
    POLICY_BEGIN = Deed("policy", "begin", None, _OPERATION)
    POLICY_DIFFER = Deed("policy", "differ", None, _OPERATION)

    # The trail. Who looks at it stands in it; what its keeper does with documents and keys does, too.
    TRAIL_SEARCH = Deed("audit", "search", _READS_LOG, "audit")
    TRAIL_PROVE = Deed("audit", "prove", _READS_LOG, "audit")
    TRAIL_CHECKPOINT = Deed("audit", "checkpoint", _READS_LOG, "audit")
    TRAIL_EXPORT = Deed("audit", "export", _READS_LOG, "audit")
    TRAIL_VERIFY = Deed("audit", "verify", _READS_LOG, "audit")
    TRAIL_COMPARE = Deed("audit", "compare", _READS_LOG, "audit")
    TRAIL_REPAIR = Deed("audit", "repair", _READS_LOG, "audit")
    TRAIL_REBUILD = Deed("audit", "rebuild", _READS_LOG, "audit")
    TRAIL_RETRY = Deed("audit", "retry", _READS_LOG, "audit")
    KEY_ROTATE = Deed("key", "rotate", Permission(Resource.KEY, Action.ROTATE), "key_rotation")

    # Secrets, tokens and write keys. Of those that are good, only what they are used for is told.
    SECRET_SHOW = Deed("secret", "show", None, _AUTHENTICATION, kept=Kept.COUNTED)
    SECRET_GUESS = Deed("client", "wrong-secrets", None, _AUTHENTICATION)
    EVENT_COLLECT = Deed(
        "event", "collect", Permission(Resource.EVENT, Action.WRITE), "collection", kept=Kept.COUNTED
    )
    TOKEN_ISSUE = Deed("token", "issue", None, _AUTHENTICATION, kept=Kept.COUNTED)
    TOKEN_SHOW = Deed("token", "show", None, _AUTHENTICATION, kept=Kept.COUNTED)

    # Registers: where data comes from.
    SOURCE_CREATE = Deed("source", "create", _MAKES_SOURCES, _OPERATION)
    SOURCE_LIST = Deed("source", "list", _READS_SOURCES, _OPERATION, kept=Kept.COUNTED, verbs=("read",))
    WRITE_KEY_CREATE = Deed("write-key", "create", _MAKES_SOURCES, _OPERATION)
    WRITE_KEY_LIST = Deed("write-key", "list", _READS_SOURCES, _OPERATION, kept=Kept.COUNTED)
    WRITE_KEY_REVOKE = Deed("write-key", "revoke", _MAKES_SOURCES, _OPERATION)

    # Registers: who calls. A list of accounts has people's log-ins in it.
    CLIENT_CREATE = Deed("client", "create", _MAKES_CLIENTS, _OPERATION)
    CLIENT_CHANGE = Deed("client", "change", _MAKES_CLIENTS, _OPERATION)
    CLIENT_BIND = Deed("client", "bind", _MAKES_CLIENTS, _OPERATION)
    CLIENT_REVOKE = Deed("client", "revoke", _MAKES_CLIENTS, _OPERATION)
    CLIENT_LIST = Deed("client", "list", _READS_CLIENTS, _OPERATION, kept=Kept.COUNTED, verbs=("read",))
    ACCOUNT_CREATE = Deed("account", "create", _MAKES_ACCOUNTS, _OPERATION)
    ACCOUNT_REVOKE = Deed("account", "revoke", _MAKES_ACCOUNTS, _OPERATION)
    ACCOUNT_LIST = Deed("account", "list", _READS_ACCOUNTS, _OPERATION, verbs=("read",))

    # Registers: what words of consent refer to.
    PURPOSE_CREATE = Deed("purpose", "create", _MAKES_PURPOSES, _OPERATION, may_need=(CHANGES_BASIS,))
    PURPOSE_CHANGE_BASIS = Deed("purpose", "change-basis", CHANGES_BASIS, _OPERATION)
    PURPOSE_LIST = Deed("purpose", "list", _READS_PURPOSES, _OPERATION, kept=Kept.COUNTED, verbs=("read",))
    NOTICE_PUBLISH = Deed("notice", "publish", Permission(Resource.NOTICE, Action.WRITE), _OPERATION)
    NOTICE_LIST = Deed(
        "notice", "list", Permission(Resource.NOTICE, Action.READ), _OPERATION, kept=Kept.COUNTED
    )
    RECIPIENT_CREATE = Deed("recipient", "create", _MAKES_RECIPIENTS, _OPERATION)
    RECIPIENT_RENEW = Deed("recipient", "renew", _MAKES_RECIPIENTS, _OPERATION)
    RECIPIENT_REVOKE = Deed("recipient", "revoke", _MAKES_RECIPIENTS, _OPERATION)
    RECIPIENT_LIST = Deed(
        "recipient", "list", _READS_RECIPIENTS, _OPERATION, kept=Kept.COUNTED, verbs=("read",)
    )
    ENDPOINT_CREATE = Deed("endpoint", "create", _MAKES_RECIPIENTS, _OPERATION)
    ENDPOINT_REVOKE = Deed("endpoint", "revoke", _MAKES_RECIPIENTS, _OPERATION)
    ENDPOINT_LIST = Deed("endpoint", "list", _READS_RECIPIENTS, _OPERATION, kept=Kept.COUNTED)
    CONTROLLER_ADD = Deed("controller", "add", _SETS_CONTROLLERS, _OPERATION)
    CONTROLLER_MOVE = Deed("controller", "move", _SETS_CONTROLLERS, _OPERATION)
    CONTROLLER_LIST = Deed(
        "controller", "list", _READS_CONTROLLERS, _OPERATION, kept=Kept.COUNTED, verbs=("read",)
    )
    WORKSPACE_CREATE = Deed("workspace", "create", _MAKES_PURPOSES, _OPERATION)
    WORKSPACE_READ = Deed("workspace", "read", _READS_CONTROLLERS, _OPERATION, kept=Kept.COUNTED)
    WORKSPACE_UNKNOWN_AGE = Deed("workspace", "unknown_age", _SETS_CONTROLLERS, _OPERATION)

    @property
    def deed(self) -> Deed:
        """What the register says of it."""
        return self.value

    @property
    def needs(self) -> Permission:
        """What the policy has to allow, of an act that it is asked about."""
        assert self.value.needs is not None, "the policy is not asked about it"
        return self.value.needs

    @property
    def purpose(self) -> str:
        """Why it is done, where nobody states a purpose of the workspace's."""
        return self.value.purpose

    def named_by(self, actor: Actor, verb: str = "") -> str:
        """Its name in the log: who did it, of what kind, to what, which; `verb` is one of its `verbs`."""
        assert not verb or verb in self.value.verbs, "the register says what an entry may say"
        # A process or a person at the command line is called by what they are: `operator`, `worker`.
        source = actor.ref if actor.kind == "system" else actor.kind
        return f"{source}:{self.value.subject}:{verb or self.value.verb}"


# The scopes of tokens by which a person's no may come.
HEARD = frozenset(act.needs.scope for act in Act if act.deed.heard)
