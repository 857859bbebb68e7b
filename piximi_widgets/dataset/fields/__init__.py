"""Fields: everything that images can be filtered and sorted by, as arrays in the order of their ids.

``fields.Fields`` lists and makes them; certainty comes from predictions, brightness from pixels, metadata from what was
added with the images. The room may use the other rooms of the dataset, and no pandas; `Dataset.field_values` and
`Dataset.select` read it.
"""

from __future__ import annotations
