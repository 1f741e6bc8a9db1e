"""Review of a described system against the threats of ISO/IEC 27071 Annex A.

`system` reads the description, `rules` says which threats apply to what in it, `exercise` what runs of the suite say
about a threat; `review` joins these with claims, attacks and decisions, `sign_off` refuses or keeps a name under it;
`html`, `otm` and `table` write it for readers and for other tools.
"""
