"""Batch truth over the raw files, by SQL: what the streaming system must equal. Shares no code with it.

``by`` names the dimensions to cut by; the key of a result is the tuple of their values, ``()`` being the total. Rows in
which one of them has no value are in no segment of that cut. Intervals ``[start_ms, end_ms)`` are half-open, in epoch
milliseconds, None being open.
"""
