n, s = map(int, input().split())
weights = [int(x) for x in input().split()]
seen: dict[int, int] = {}
answer = "-1"
for i, w in enumerate(weights, 1):
    if s - w in seen:
        answer = f"{seen[s - w]} {i}"
        break
    seen.setdefault(w, i)
print(answer)
