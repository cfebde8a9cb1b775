"""The business of a customer data platform: what marketers and customers want done.

The rooms, in the order in which data takes its way; each stands on those before it alone:

- `people/`: what is derived of a person, in clear.
- `registers/`: sources, keys, purposes, notices, controllers, clients, accounts, policies; who is let in.
- `trail/`: looking at the log of who did what.
- `scanning/`: free text is looked through before it can be shown, and what was found is decided on.
- `audiences/`: whom a marketer means, whom they may reach, and why not the rest; small counts.
- `intake/`: messages and files, the sealed inbox, and from there to fragments, events, facts and words.
- `permission/`: what people say, by whatever way, and when it holds; lists of noes; notices served.
- `stewardship/`: who is one person after all, and how well links do.
- `releases/`: the one door by which personal data leaves, and where to.
- `requests/`: access and erasure.
- `recipients/`: who receives, and their endpoints.
- `views/`: one person, for one purpose; the signed decision.

Beside them: `acting.py` (how an act of the register `acts.py` is done: the policy asked, and an entry left),
`answers.py` (for requests that are sent again), `own_erasing.py` (how these tables forget), `rereading.py`
(reading until nothing changed in between), `tables.py`.

It stands on five modules that the governing packages may use too: `kernel/` (settings, database, errors,
logs, clock, jobs), `vocabulary.py`, `acts.py`, `work.py` (the one transaction) and `ports/`, by which
alone it knows identity, consent, governance, audit and policies. It imports none of the five;
`api/wiring.py` joins them (ADR-0001).
"""
