"""What is written beside the database, so that no restore brings back who was erased or what was refused."""
