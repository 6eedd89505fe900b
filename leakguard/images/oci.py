"""Directories in the layout that the OCI image specification describes."""

from leakguard.images import files
from leakguard.images.source import Source, located

SOURCE = Source(
    prefix="oci:",
    syntax="oci:DIR[:TAG|@DIGEST]",
    open=lambda text, limits: files.directory(*located(text), limits),
)
