"""Octets and their meaning: strict deterministic CBOR, COSE_Sign1 and COSE_Key, conceptual message wrappers.

Everything here reads hostile input: the work done is linear in the octets received, never in a length they declare.
"""
