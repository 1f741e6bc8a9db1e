"""A program that answers vectors: written from the specification alone, an oracle that exists to disagree.

It imports nothing of this project. What it knows of the protocol it was told a second time, in its own words: a
disagreement with the vectors is a defect of one of the two.
"""
