"""One module for each command; a new command is a new module."""
