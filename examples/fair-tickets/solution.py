n = int(input())
numbers = [int(x) for x in input().split()]
print(sum(x for x in numbers if x % 2 == 0))
