"""What keeps a store's record: copies of its database, the check of everything, and mending a damaged file.

It uses the rest of the room, which gets it as the mixin ``safety.safe.SafeStore``.
"""
