MOD = 1_000_000_007


def count_ways(ribbon: str) -> int:
    """Palindromic tree with series links: O(n log n)."""
    n = len(ribbon)
    # Node 0 has length 0, node 1 has length -1.
    length, link, step, series = [0, -1], [1, 1], [0, 0], [1, 1]
    edges: list[dict[str, int]] = [{}, {}]
    ways = [1] + [0] * n
    series_ways = [0, 0]
    last = 0
    for i, bead in enumerate(ribbon):

        def extend(node: int, i: int = i, bead: str = bead) -> int:
            while i - length[node] - 1 < 0 or ribbon[i - length[node] - 1] != bead:
                node = link[node]
            return node

        at = extend(last)
        if bead not in edges[at]:
            node = len(length)
            length.append(length[at] + 2)
            suffix = 0 if length[node] == 1 else edges[extend(link[at])][bead]
            link.append(suffix)
            step.append(length[node] - length[suffix])
            series.append(series[suffix] if step[node] == step[suffix] else suffix)
            edges.append({})
            series_ways.append(0)
            edges[at][bead] = node
        last = edges[at][bead]
        node, total = last, 0
        while length[node] > 0:
            sum_of_series = ways[i + 1 - length[series[node]] - step[node]]
            if series[node] != link[node]:
                sum_of_series += series_ways[link[node]]
            series_ways[node] = sum_of_series % MOD
            total += sum_of_series
            node = series[node]
        ways[i + 1] = total % MOD
    return ways[n]


print(count_ways(input().strip()))
