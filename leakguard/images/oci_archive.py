"""Archives of a layout as the OCI image specification has it."""

from leakguard.images import files
from leakguard.images.source import Source, located

SOURCE = Source(
    prefix="oci-archive:",
    syntax="oci-archive:FILE[:TAG|@DIGEST]",
    open=lambda text, limits: files.archive(*located(text), limits),
)
