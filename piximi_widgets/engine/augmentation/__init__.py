"""Random views of the training images, drawn anew for every epoch.

What is drawn depends on the seed, the epoch and the image's position, and on nothing else: an image looks the same
however the epoch is cut into calls, and a resumed training sees what an uninterrupted one does. `draw` is NumPy alone,
`apply` builds TensorFlow operations; only the training loop and the features of frozen bases use them.
"""

from .channels import Channels, measure_channels
from .draws import Draws, draw
from .graph import apply
from .views import view_of

__all__ = ["Channels", "Draws", "apply", "draw", "measure_channels", "view_of"]
