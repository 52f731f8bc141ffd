"""`python -m lemlist_async` is the `lemlist-async` command."""

from lemlist_async.cli import main

main()
