#ifndef C_BENCH_SINK_H
#define C_BENCH_SINK_H

#include <stddef.h>

/// Opens a raw PTY without echo. Writes the slave's path; returns 0, or -1.
int bench_open_pty(int *master, int *slave, char *path, size_t size);

/// Starts this very program again with two words, `descriptor` as its descriptor 3, and (unless
/// null) a pipe on its standard output. Returns the process number, or -1.
int bench_spawn_self(const char *mode, const char *value, int descriptor, int *output);

/// Runs a program with one word, its output thrown away, and waits for it. Writes the processor
/// seconds that it took; returns the seconds from start to end, or -1 if it failed.
double bench_run(const char *path, const char *word, double *cpu);

/// Acknowledges every HDLC frame that arrives on `descriptor`, and answers the opening of a
/// Balong download session, until the other side hangs up. Returns the number of blocks (42).
long bench_sink(int descriptor);

/// Answers every `size` bytes that arrive on `descriptor` with five, until hung up.
void bench_pong(int descriptor, size_t size);

/// Writes `size` bytes and reads five, `count` times. Returns the seconds it took, or -1.
double bench_ping(int descriptor, size_t size, long count);

#endif
