"""The best values of a person, and the addresses behind contacts.

- `golden.py`: pointers to the statements that win; `contact_addresses.py`: what a message is sent to, sealed.
"""
