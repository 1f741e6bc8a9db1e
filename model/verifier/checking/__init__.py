"""A second opinion on proofs: checks the case tree that a search leaves, with terms and unification of its own.

It trusts nothing of the search but the choice of goals. At each node it makes the list of all cases itself; a case
that the certificate does not treat must fail at once, or by one of five theorems, whose conditions it computes again:

- *sooner*: what came out of an earlier step of the same run for the same keys is not new;
- *origin*: a fresh value that its run first sends in the clear is known from there, and from nowhere sooner;
- *flow*: a forwarded variable brings only what some role put there;
- *dead*: what nobody sends or gives away (a symbol, a fresh value, a secret constant), and what is only built from
  that, is never known. The same is true of the `secrets` of a query: of them there is a proof of its own;
- *detour*: a run that the claim does not name receives, of all messages that do the same for it, the first one.
"""

from __future__ import annotations

from .tree import CertificateError, Checker, check

__all__ = ["CertificateError", "Checker", "check"]
