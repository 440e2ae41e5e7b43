"""Traffic providers: one file each. Rendering is pure; the executor applies what they render."""
