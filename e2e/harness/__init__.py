"""What the end-to-end run and the benchmarks share: processes, ports and the servers they start."""
