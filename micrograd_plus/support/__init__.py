"""What the other rooms share and that knows nothing of them:
files, text, JSON of strangers, pickling, what notebooks and Hypothesis ask.
"""
