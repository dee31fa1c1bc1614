"""From survivors to submissions: inputs → behaviours → clusters → choice."""

from clustering.agreement import enough_agreement
from clustering.behaviour import Behaviour, behaviour_token
from clustering.cluster import Behaved, Cluster, cluster
from clustering.inputs import GeneratedInput, generate_inputs

__all__ = [
    "Behaved",
    "Behaviour",
    "Cluster",
    "GeneratedInput",
    "behaviour_token",
    "cluster",
    "enough_agreement",
    "generate_inputs",
]
