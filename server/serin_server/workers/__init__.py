"""Several processes that share one port, and the parent that starts them and adds up what they count."""
