"""Evaluation on a cluster that Ray runs: the same work, prepared and asked by the same code, on many machines.

* `connection.connected`: this process as the driver of a cluster, and what its nodes offer.
* `places.Places`: which nodes hold which videos, and where the next one is decoded.
* `worker`: what runs on the nodes: `lay_out` in tasks, a model in each `Replica`.
* `replicas.Replicas`: the actors of one model, replaced when they die.
* `team.Team`: one model's units on their way through decoding and answering, repeated when they are lost.
* `job.on_cluster`: a team for one evaluation.

The driver alone writes the store. Only the modules that need Ray import it.
"""
