"""How a model can fail to arrive. Each text is one plain sentence."""


class ModelSourceError(Exception):
    """The model cannot be had, and trying again would not help."""


class TransientError(Exception):
    """An attempt failed in a way that may pass."""


class ContentChangedError(TransientError):
    """What has been received is not the beginning of what the place holds now."""
