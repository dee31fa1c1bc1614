import sys


def main() -> None:
    numbers = [int(x) for x in sys.stdin.buffer.read().split()]
    n, _, k = numbers[:3]
    parent = list(range(n + 1))

    def find(v: int) -> int:
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        return v

    # Hamlet 0 stands for "has power": it is joined to each generator for free.
    for generator in numbers[3 : 3 + k]:
        parent[generator] = 0
    edges = sorted(zip(numbers[5 + k :: 3], numbers[3 + k :: 3], numbers[4 + k :: 3], strict=True))
    total, missing = 0, n - k
    for price, a, b in edges:
        a, b = find(a), find(b)
        if a != b:
            # Keep 0 a root, so that every powered hamlet ends up there.
            parent[max(a, b)] = min(a, b)
            total += price
            missing -= 1
    print("dark" if missing else total)


main()
