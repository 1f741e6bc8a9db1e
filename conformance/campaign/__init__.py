"""Campaigns: many implementations, configurations and seeds as items that are played one by one, here or on a cluster.

`plan` reads what is to be played, `play` plays one item, `local` and `cluster` play many, `store` keeps each result
once, and `campaign` holds them together.
"""
