"""Graphs that are stepped through and moved in a browser.

`recording` puts all numbers of a picture on one flat program of forward rules, which
`arithmetic.js` runs and `numbers.js` writes: no calculus is done there.
"""
