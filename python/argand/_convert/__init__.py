"""Convert between the fields of a Crystal and the structures of other libraries.

`argand.Crystal` offers these conversions as methods. A library is imported when it is used.
"""

__all__: list[str] = []
