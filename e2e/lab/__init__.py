"""The laboratory of failures: real S3 servers that are killed, frozen and cut off under load."""
