"""What the other rooms share and that knows nothing of them:
files, text, pickling, what notebooks and Hypothesis ask.
"""
