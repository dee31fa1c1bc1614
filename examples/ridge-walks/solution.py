import sys
from itertools import accumulate

MOD = 1_000_000_007


def cross(left: list[int], right: list[int]) -> int:
    """Sum over all walks that start in `left` (listed from the middle outwards) and end in `right`."""
    low = list(accumulate(right, min))
    high = list(accumulate(right, max))
    sum_low = [0, *accumulate(low)]
    sum_high = [0, *accumulate(high)]
    sum_both = [0, *accumulate(a * b for a, b in zip(low, high, strict=True))]
    total = i = j = 0  # right[:i] stays at or above the left's lowest, right[:j] at or below its highest
    n = len(right)
    lowest, highest = left[0], left[0]
    for h in left:
        lowest, highest = min(lowest, h), max(highest, h)
        while i < n and low[i] >= lowest:
            i += 1
        while j < n and high[j] <= highest:
            j += 1
        a, b = min(i, j), max(i, j)
        total += lowest * highest * a + sum_both[n] - sum_both[b]
        if i < j:
            total += highest * (sum_low[b] - sum_low[a])
        else:
            total += lowest * (sum_high[b] - sum_high[a])
    return total


def solve(h: list[int]) -> int:
    if len(h) == 1:
        return h[0] * h[0]
    middle = len(h) // 2
    left, right = h[:middle], h[middle:]
    return (solve(left) + solve(right) + cross(left[::-1], right)) % MOD


print(solve([int(x) for x in sys.stdin.read().split()[1:]]) % MOD)
