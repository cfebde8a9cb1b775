"""The search engine beside the log: its node, its documents, how it is fed and compared.

- `engine.py`: the only module that knows OpenSearch; `engine_answers.py`: what it answers;
  `located.py`: where it is.
- `documents.py`: entries as documents; `feeding.py`, `feeds.py`: how they get there, and how far that has
  come.
- `reconciling.py`: whether they are what the log says.
- `node.py`, `node_waiting.py`: a node from packages, and how long it is waited for.
"""
