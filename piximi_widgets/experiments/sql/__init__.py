"""The SQL of the experiment log store: its tables, and a module for each part of the record.

Each function takes an open transaction of the store's database.
"""
