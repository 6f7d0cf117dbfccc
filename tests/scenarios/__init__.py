"""A population of customers over months, every touchpoint of it, and what SQL says of them: the proof of the numbers.

``population`` tells what happens, ``arrival`` in which order it arrives and what goes wrong on the way; ``truth`` is
the oracle, in SQL over the raw log. None of it shares code with ``stream``.
"""
