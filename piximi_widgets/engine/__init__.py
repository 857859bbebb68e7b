"""TensorFlow lives here: preprocessing, architectures, training, evaluation, classifiers and the worker process.

The room reads dataset versions, writes experiments and uses imaging; ``config``, ``checks``, ``metrics``, ``evaluation``,
``preprocessing`` and ``launcher`` load no TensorFlow, so that a kernel may use them while its user labels.
``project`` joins this room with the data, and the worker (``python -m piximi_widgets.engine.worker``) runs what is slow.
"""
