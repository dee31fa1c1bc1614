"""`solve sample`: raw answers of many problems to shards, nothing executed (docs/shards.md)."""
