"""Archives and compressed files of every kind, opened in memory down to the blobs they hold.

Nothing is ever written to a path that an archive names. A new format is one new module here.
"""

from leakguard.unpack.base import Limits, Readable
from leakguard.unpack.walk import Blob, Row, blobs, rows, unpacker_of, unpackers

__all__ = ["Blob", "Limits", "Readable", "Row", "blobs", "rows", "unpacker_of", "unpackers"]
