"""Who receives data, and their endpoints: what is registered, renewed and ended.

- `recipients.py`: by which contract, and until when; `endpoints.py`: where they are sent to.
"""
