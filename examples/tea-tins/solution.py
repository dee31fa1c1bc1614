from collections import Counter

count = Counter(input().strip())
best = min(count, key=lambda letter: (-count[letter], letter))
print(best, count[best])
