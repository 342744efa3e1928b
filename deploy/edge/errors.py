"""What a user can mend."""


class EdgeError(Exception):
    """The message says what was found, where, and what to do; programs print it and end with exit code 2."""
