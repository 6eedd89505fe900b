"""Container images: what a reference names, as images, layers and metadata that can be searched.

A reference leads to a layout, a layout to images, an image to layers and documents, and each of
those is a blob of the one store that the layout came with. Where images come from is one module
each: it assigns a `Source` to `SOURCE`, as a registry or Podman would. Nothing here searches.
"""

from leakguard.images.fields import Field
from leakguard.images.files import directory, is_layout, is_of_layout, recognized
from leakguard.images.layout import Selection
from leakguard.images.model import Document, Image, Layer, Layout, NotAnImageError, Part
from leakguard.images.overlay import Overlay
from leakguard.images.reference import opened, syntaxes
from leakguard.images.stream import Contents, contents

__all__ = [
    "Contents",
    "Document",
    "Field",
    "Image",
    "Layer",
    "Layout",
    "NotAnImageError",
    "Overlay",
    "Part",
    "Selection",
    "contents",
    "directory",
    "is_layout",
    "is_of_layout",
    "opened",
    "recognized",
    "syntaxes",
]
