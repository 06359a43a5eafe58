"""The one exception a user can cause: its text is the whole message, and the command line turns it into exit code 2."""


class InputError(Exception):
    """Bad input: the message names the file or item, what was found, what was expected, and what to do."""
