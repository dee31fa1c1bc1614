from pathlib import Path

numbers = [int(x) for x in Path("harbour.in").read_text().split()]
n = numbers[0]
# At equal minutes a departure (-1) sorts before an arrival (+1).
events = sorted([(a, 1) for a in numbers[1 : 2 * n : 2]] + [(b, -1) for b in numbers[2 : 2 * n + 1 : 2]])
berths = used = 0
for _, change in events:
    used += change
    berths = max(berths, used)
Path("harbour.out").write_text(f"{berths}\n")
