"""All SQL of the dataset room, one module for each idea.

Functions here take a connection inside a transaction that their caller opened, and give and take plain
Python values and arrays. Nothing outside this folder and `schema` contains SQL.
"""
