"""The one exception a user is meant to read."""


class UserError(Exception):
    """Bad input or set-up. The message is one line: what is wrong, where, and how to mend it.

    The command line prints it without a traceback and exits with code 2.
    """
