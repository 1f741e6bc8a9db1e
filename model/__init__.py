"""The protocol as data over terms: proved, run, attacked, observed and drawn from one table.

`terms` are the templates, `symbols` the functions over them, `checks` the register of refusals, `table` the shape of a
row, `protocol` the rows themselves, `linter` what every table must satisfy. No bytes, no sockets, no clock.
"""
