"""An experiment as one file: writing it, and reading one that may come from a stranger.

It uses the rest of the room, which gets it as the mixins of ``archive.archived``.

The file is a zip archive of plain formats, so that it can be read without this package. Text is UTF-8; a ``.jsonl`` holds
one JSON object a line, with NaN and Infinity as Python writes them; a ``.npy`` is NumPy's, of a structured type, without
pickled objects. Times are milliseconds since 1970 (UTC). Its members:

``manifest.json``
    ``format`` (``"piximi_widgets experiment"``), ``version`` of the format, ``package`` (the version that wrote it), ``uid``
    and ``name`` of the experiment, and ``members``: for each other member its ``size`` in bytes and ``sha256``. No other
    member may be there.
``experiment.json``
    The header, ``parameters``, ``tags``, attached ``datasets`` (alias, uid, name, fingerprint), and by uid and name the
    ``base_experiment``, ``base_model`` and ``parent`` (of which it was made with other parameters), which are not in the
    archive.
``logs.jsonl``
    Name, type, times and data of every log but metrics; of a picture the ``sha256`` of its content.
``metrics.jsonl``, ``metrics.npy``
    The metrics in the order in which they were first logged; and their points: series (line of the former, from 0), step,
    time, value.
``evaluations.jsonl``, ``evaluations/<n>.npy``, ``evaluations/<n>.jsonl``
    A line a partition, with its classes; for line n (from 0) image id, truth (index of the classes, -1: unknown) and
    probabilities; and, of the images that have any, further metrics and shapes.
``telemetry.jsonl``, ``chapters.jsonl``, ``samples.jsonl``
    What was printed, where chapters begin, and what the machine did.
``artifacts.jsonl``, ``folders.jsonl``
    Every version of every artifact; and the files of artifacts that are folders, under the folder's ``sha256``.
``jobs.jsonl``
    Who trained or predicted when, and how it ended.
``contents/<sha256>``
    Each file of artifacts, folders and pictures once, not compressed.
``datasets/<n>.json``, ``datasets/<n>.csv``
    A dataset version that the experiment, or one that it goes on from, has learned from, as far as a project knows them;
    and its images: id, category, partition, whether this experiment or one that it goes on from was trained on it, and the
    first 16 digits of its pixel hash. Pixels are not there.
"""
