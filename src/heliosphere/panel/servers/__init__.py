"""Physical servers, the logical servers on them, and which of them gets the next customer."""
