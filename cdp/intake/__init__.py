"""How data comes in: messages and files, the sealed inbox, and from there to people, events and words."""
