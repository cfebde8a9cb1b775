"""The business of a customer data platform: what marketers and customers want done.

The map, in the order in which data takes its way:

- `collection/`, `importing/`: messages and files, as pure functions of bytes; `imports.py` runs
  an import, `inbox.py` keeps what was accepted, sealed, until it is worked off.
- `ingest/`: from the inbox to fragments, events, facts and words, one batch a Work;
  `profiles.py`: what is derived of a person; `verdicts.py`: what became of a message.
- `segments.py`, `audiences.py`, `previews.py`: whom a marketer means, and whom they may reach.
- `releases.py`: the one door by which personal data leaves; `destinations.py`: where to;
  `profile_view.py`: one person, for one purpose; `receipts.py`: the signed decision.
- `scanning.py`: free text is looked through before it can be shown; `findings.py`: what was found.
- `consents.py`, `unsubscribe.py`, `forms.py`: what people say, and when it holds; `binding.py`: who is bound;
  `suppressions.py`: lists of noes; `serving.py`: which notice was served to whom;
  `history.py`: what was said, read back.
- `answers.py`: what a client was answered, for requests that are sent again.
- `requests/`: access and erasure; `erasing.py`: how these tables forget.
- `merging.py`: who is not one person after all; `graph.py`: what makes one;
  `evaluation.py`: how well links do.
- `sources.py`, `workspaces.py`: where data comes from, and whose it is; `tables.py`: the tables.
- `registers/`: how a workspace is set up, as acts: where data comes from,
  who calls, and what words of consent refer to.

`acting.py`: how an act of the register `acts.py` is done: the policy asked, and an entry left.

It stands on five modules that the governing packages may use too: `kernel/` (settings,
database, errors, logs, clock, jobs), `vocabulary.py`, `acts.py`, `work.py` (the one transaction) and
`ports`, by which alone it knows identity, consent, governance, audit and policies. It
imports none of the five; `api/wiring.py` joins them (ADR-0001).
"""
