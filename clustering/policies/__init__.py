"""From evidence to submissions: the published ways to choose and our own."""

from clustering.policies.choice import POLICIES, Choice, UnknownPolicy, order, rank, rank_by_opinion
from clustering.policies.scorer import BadScorer, Scorer, load_scorer, train
from clustering.policies.signals import survivors

__all__ = [
    "POLICIES",
    "BadScorer",
    "Choice",
    "Scorer",
    "UnknownPolicy",
    "load_scorer",
    "order",
    "rank",
    "rank_by_opinion",
    "survivors",
    "train",
]
