"""The one error of this package: the client's request cannot be understood or does not fit the model."""


class InvalidRequestError(ValueError):
    """Its text goes to the client: it names the tensor, what was expected and what was got."""
