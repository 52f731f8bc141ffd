"""The life of campaigns and leads: what events change, and how leads walk their sequences."""
