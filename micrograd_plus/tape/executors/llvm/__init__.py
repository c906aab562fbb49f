"""Machine code for tapes, by LLVM."""
