"""Archives that `docker save`, `skopeo` and others write, before and since Docker 25."""

from leakguard.images import files
from leakguard.images.source import Source, located

SOURCE = Source(
    prefix="docker-archive:",
    syntax="docker-archive:FILE[:TAG]",
    open=lambda text, limits: files.archive(*located(text), limits),
)
