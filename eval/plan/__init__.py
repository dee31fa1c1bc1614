"""What a run will take before it is begun: tokens, time, processors, disk; and how far such predictions were right."""
