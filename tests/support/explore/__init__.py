"""Complete exploration of small worlds: every order of events, tried against the code that decides."""
