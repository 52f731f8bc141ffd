"""Help for tests of programs that use this library."""
