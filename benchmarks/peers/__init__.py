"""The peers: what a user could take instead of argand, used in the fastest way that we found unless its remark says so.

Preparing what does not change between calls (objects, form factors where they can be handed over, buffers) is not
timed. Peers that are not installed are skipped.
"""
