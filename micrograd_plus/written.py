def source(tape): return ""
