"""The engine's sandbox and samplers on a Ray cluster. Needs Ray (`pip install 'codesieve[cluster]'`).

Ray schedules, starts and buries processes and knows the nodes; nothing here does. What is left to us is whom to ask
(`crew`), what to ask (`sandboxes`, `replicas`, `replay`) and what may count as a good node (`sandbox_actor`).
"""
