"""The same saga with the libraries that a team would otherwise take, each used as its documentation shows.

Every peer does the statements of the textbook in one database with the tables of `shop.sql`, which is fewer than
ours do: nobody follows the order's status. Its steps are safe to repeat, as all of these libraries ask for.
"""
