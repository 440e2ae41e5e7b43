"""The Open Inference Protocol V2 in JSON: bytes to tensors and tensors to bytes. Pure, without I/O and without HTTP."""
