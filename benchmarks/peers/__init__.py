"""The peers: what a user could take instead of argand, in the fastest way that we found.

Where a peer is used in another way, its remark says so. What does not change between calls is
prepared and not timed: objects, form factors where a peer takes them, buffers. Peers that are not
installed are skipped.
"""
