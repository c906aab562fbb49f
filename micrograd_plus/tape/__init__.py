"""Tapes: graphs as flat programs, and what runs them; README.md shows the way from one to the other."""
