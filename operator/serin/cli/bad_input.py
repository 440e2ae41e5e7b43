"""Input that a person has to correct: the message names the file, the place, the value and what was expected."""

import click


class BadInputError(click.ClickException):
    """Ends a command with its message, as a usage error does."""

    exit_code = 2
