"""Privacy requests: what a person may ask of the platform (GDPR 15, 17).

`requested.py` says whom a request is about, `access.py` gathers everything that is known of a person,
`processing.py` what they are told beside it; `erasure.py` forgets them and proves it, `certificate.py`
writes the proof down.
"""
