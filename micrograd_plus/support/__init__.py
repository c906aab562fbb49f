"""What the other rooms share and that knows nothing of them: files, text, nested lists, pickling."""
