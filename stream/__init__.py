"""What happens to a stream, pure: no clock, no I/O, no broker. Bytes and times come in as arguments."""
