"""The desk behind the topic of alerts: who is told of what, once (``handling`` of people, ``dispatch`` to outlets)."""
