"""Classes of equal behaviour and their ranking."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering import Behaved, cluster

TOKENS = st.sampled_from(["a", "b", "RTE", "TLE", None])


@st.composite
def pools(draw):
    behaviours = draw(st.lists(st.tuples(TOKENS, TOKENS, TOKENS), max_size=25))
    weights = st.integers(1, 5)
    return [Behaved(f"k{i}", draw(st.integers(0, 9)), draw(weights), b) for i, b in enumerate(behaviours)]


@settings(deadline=None)
@given(pools(), st.randoms())
def test_the_order_of_arrival_does_not_matter(pool, random):
    shuffled = pool[:]
    random.shuffle(shuffled)
    assert cluster(shuffled) == cluster(pool)


@settings(deadline=None)
@given(pools())
def test_every_program_is_in_exactly_one_cluster_and_weights_add_up(pool):
    clusters = cluster(pool)
    assert sorted(key for group in clusters for key in group.keys) == sorted(p.key for p in pool)
    assert sum(group.weight for group in clusters) == sum(p.weight for p in pool)


@settings(deadline=None)
@given(pools())
def test_programs_share_a_cluster_exactly_when_they_behave_alike(pool):
    home = {key: group.index for group in cluster(pool) for key in group.keys}
    for p in pool:
        for q in pool:
            assert (home[p.key] == home[q.key]) == (p.behaviour == q.behaviour)


def test_duplicates_count_for_their_program():
    popular, rare = Behaved("popular", 5, 9, ("x",)), Behaved("rare", 0, 1, ("y",))
    assert [group.keys for group in cluster([rare, popular])] == [("popular",), ("rare",)]


def test_of_equal_weights_the_earlier_sample_leads():
    late, early = Behaved("a", 7, 2, ("x",)), Behaved("b", 3, 2, ("y",))
    assert [group.keys for group in cluster([late, early])] == [("b",), ("a",)]


def test_many_programs_that_always_crash_rank_below_one_that_answers():
    crowd = [Behaved(f"c{i}", i, 1, ("RTE", "TLE")) for i in range(50)]
    clusters = cluster([*crowd, Behaved("answers", 99, 1, ("RTE", "x"))])
    assert [group.failing for group in clusters] == [False, True]
    assert clusters[0].keys == ("answers",)


def test_a_missing_observation_does_not_merge_programs_that_differ_elsewhere():
    one, other, unseen = (
        Behaved("one", 0, 1, ("x", "y")),
        Behaved("other", 1, 1, ("x", "z")),
        Behaved("unseen", 2, 1, ("x", None)),
    )
    assert len(cluster([one, other, unseen])) == 3


def test_a_program_never_observed_is_not_called_failing():
    assert not cluster([Behaved("a", 0, 1, (None, None))])[0].failing


def test_without_inputs_all_programs_behave_alike():
    clusters = cluster([Behaved("a", 0, 1, ()), Behaved("b", 1, 1, ())])
    assert [group.keys for group in clusters] == [("a", "b")]
    assert not clusters[0].has_output


def test_no_candidates_no_clusters():
    assert cluster([]) == []


@pytest.mark.parametrize(
    ("pool", "complaint"),
    [
        ([Behaved("a", 0, 1, ("x",)), Behaved("a", 1, 1, ("y",))], "twice"),
        ([Behaved("a", 0, 0, ("x",))], "weight 0"),
        ([Behaved("a", 0, 1, ("x",)), Behaved("b", 1, 1, ("x", "y"))], "2 observations, others have 1"),
    ],
)
def test_a_broken_matrix_is_refused(pool, complaint):
    with pytest.raises(ValueError, match=complaint):
        cluster(pool)


def test_a_large_pool_of_singletons_is_clustered():
    # A quadratic comparison of 20,000 all-different programs would take minutes.
    pool = [Behaved(f"k{i}", i, 1, (*("same",) * 49, str(i))) for i in range(20_000)]
    assert len(cluster(pool)) == 20_000
