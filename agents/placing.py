"""In which partition of a topic a customer's records are: as Kafka's own clients do it by default, by murmur2."""

from kafka.partitioner import murmur2


def partition_of(customer: bytes, partitions: int) -> int:
    """The partition of the records with that key.

    >>> partition_of(b"ann", 4)
    2
    """
    return (int(murmur2(customer)) & 0x7FFFFFFF) % partitions
