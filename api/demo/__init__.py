"""The demo: public data sets, joined with generated people and events, and the story told on them.

Everything generated follows from a seed and a given present. Every e-mail address stands
under a name that RFC 2606 reserves, so no message could ever reach anybody.

- `story.py`: the fourteen steps and the scorecard; told in `arriving.py` (1 to 4), `agreeing.py` (5 to 7, 9),
  `racing.py` (8), `parting.py` (10 to 12) and `watching.py` (13, 14).
- `platform.py`: what they play on; `narrating.py`, `report.py`: how they are told; `waiting.py`: for what
  runs beside; `race.py`: releases against unsubscribes; `plaintext.py`: a disk, searched as by a thief.
- `people.py`, `customers.py`, `made_up_contacts.py`, `purchases.py`, `events.py`, `notes.py`, `files.py`:
  who is there, what they did and wrote, and the files of it; `seeds.py`: where chance comes from.
"""
