"""How much the rules find, and how often they cry wolf, beside `kingfisher` and `betterleaks`.

Two measurements: `clean` counts findings in code that everybody has, and `recall` counts which of
the samples are found that are made for every known format in the places where people put secrets.
Samples are made from what is published about a format, and from no rule of ours.
"""
