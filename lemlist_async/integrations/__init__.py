"""Faces of this library in other frameworks; each module needs that framework, and nothing else imports it."""
