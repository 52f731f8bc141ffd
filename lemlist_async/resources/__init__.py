"""One module per area of the API: models, arguments and methods.

The models of an area stand in a module of their own, `<area>_models`, where the area would have more than 600 lines.
"""
