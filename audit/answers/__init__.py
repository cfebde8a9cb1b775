"""Questions to the log, answered from leaves that are vouched for."""
