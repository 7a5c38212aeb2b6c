"""The one error a user is meant to read."""


class LatentomeError(Exception):
    """Something the user can mend: a file, a column, a config key.

    The message is one line and says what is wrong, where (file, line, column or config key),
    what was expected, and what to do. Scripts print it to the console and exit non-zero.
    """
