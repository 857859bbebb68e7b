"""What the user sees and touches: one folder a widget, its JavaScript beside its Python.

A widget is a view: all truth is in the project and its experiment store, and one call makes the view again.
Widgets may use every room of the package; no other room uses them. Their handlers run on any thread, so that each widget
works in a thread of its own and writes through one `Outbox`.
"""
