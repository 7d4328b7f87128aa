/// What the reader's process gives up before it sees the first byte.
#ifndef SMITH_GUARD_H
#define SMITH_GUARD_H

#include <stdint.h>
#include <sys/types.h>

/// Leaves the process with this socket, this region and these amounts, and no signal handlers.
/// Never returns if the parent is gone.
void smith_guard(int socket, const unsigned char *region, uint64_t memory, uint64_t seconds,
                 pid_t parent);

/// Refuses every system call but a few from now on; 0 where the kernel cannot.
int smith_filter(int socket);

#endif
