"""Privacy requests: what a person may ask of the platform (GDPR 15, 17).

`access.py` gathers everything that is known of a person, `erasure.py` forgets them and
proves it, `certificate.py` writes the proof down.
"""
