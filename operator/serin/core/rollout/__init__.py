"""One attempt: its phases, what each step decides, and the status that tells of it."""
