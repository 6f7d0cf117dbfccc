"""Trials of rules: on made-up series and events, and on what is kept of the past (``lookback``)."""
