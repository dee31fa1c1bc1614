"""`solve tune`: engine settings searched on recorded runs, under one budget, and tried on problems never looked at."""
