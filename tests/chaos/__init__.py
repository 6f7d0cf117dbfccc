"""The chaos suite: the same events without and with faults, on a real Apache Kafka, must come to the same numbers."""
