"""What is written beside the database, so that no restore brings back who was erased or what was refused.

`journal.py` writes it, `journalling.py` holds it and the database to each other, `trimming.py` forgets what
no backup lacks that can still be opened.
"""
