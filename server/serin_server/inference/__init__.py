"""Running the model: `engine` is the only file of the project that imports onnxruntime."""
