"""The symbolic verifier: a proof for any number of sessions, or the attack.

Backward refinement of patterns with native Diffie-Hellman. It knows nothing of the transition table: whoever has a
protocol writes it as `protocol.Protocol`, asks a question of `claims`, and gets a `verify.Verdict`.

| module | what it holds |
|---|---|
| `protocol`, `claims`, `query` | the language: roles over symbols, claims, and the violations that a claim means |
| `terms`, `unify`, `signature` | terms with variables as cells, unifying modulo exponents and sorts, making terms |
| `compiled`, `instances`, `flow`, `loose`, `pool` | once per protocol: positions, runs, what variables carry or do |
| `state`, `goals`, `sources`, `ways`, `detours` | patterns, simplification, where terms come from, how they are made |
| `choice`, `search`, `engine`, `verify` | which goal comes next, the loop, the bounds on runs, the answer |
| `grounding`, `attack`, `replay`, `charts` | attacks: a ground trace, its independent judge, its pictures |
| `certificate`, `checking` | proofs: the case tree, and a checker with terms of its own |
| `spdl`, `published` | protocols that others wrote, and those that the verifier is measured against |

Facts that prune a branch can only become false by going on (they are monotone): nothing is pruned because variables
differ. A new run that the bound forbids makes the answer `bounded`, never `proof`.
"""
