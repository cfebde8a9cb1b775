"""Free text is looked through before it can be shown, and what was found is decided on."""
