"""Questions to the log, answered from leaves that are vouched for.

- `proved_search.py`: where entries are is found, what they are is proved.
- `vouching.py`: which entries may be believed; `told_entries.py`: each by its leaf's own words.
- `answering.py`: all entries that fit a question, and no others; `page_ends.py`: where a page ended.
"""
