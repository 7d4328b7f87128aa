#define _GNU_SOURCE
#include "Guard.h"
#include "CArchiveReader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Never above what we were given ourselves.
static void bound(int resource, uint64_t value) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return;
  if (limit.rlim_max < value) value = limit.rlim_max;
  limit.rlim_cur = limit.rlim_max = value;
  setrlimit(resource, &limit);
}

/// A number in base 16 or 10; moves `text` behind it.
static uint64_t number(const char **text, unsigned base) {
  uint64_t value = 0;
  for (;; (*text)++) {
    char c = **text;
    unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
    if (digit >= base) return value;
    value = value * base + digit;
  }
}

static size_t read_small(const char *path, char *text, size_t room) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, room - 1);
  close(file);
  if (count < 0) count = 0;
  text[count] = 0;
  return count;
}

/// Bytes of address space in use: limits count what was inherited too.
static uint64_t space(void) {
  char text[128];
  const char *at = text;
  if (read_small("/proc/self/statm", text, sizeof text) == 0) return 1ULL << 33;
  return number(&at, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/// Where memory runs out, this process is to go first and not the one that holds a stick.
static void go_first(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t ignored = write(file, "1000", 4);
  (void)ignored;
  close(file);
}

/// Lets go of memory that others share and that could be written to: of the database, of USB
/// transfers, of other readers.
static void unshare_memory(const unsigned char *region) {
  static char text[1 << 16];
  int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  size_t filled = 0;
  for (;;) {
    ssize_t got = read(file, text + filled, sizeof text - 1 - filled);
    if (got <= 0) break;
    filled += got;
    text[filled] = 0;
    char *line = text, *end;
    while ((end = strchr(line, '\n'))) {
      const char *at = line;
      uint64_t from = number(&at, 16);
      at++;
      uint64_t to = number(&at, 16);
      int ours = from < (uintptr_t)region + smith_region_size && to > (uintptr_t)region;
      if (end - at > 5 && at[2] == 'w' && at[4] == 's' && !ours)
        munmap((void *)(uintptr_t)from, to - from);
      line = end + 1;
    }
    filled = text + filled - line;
    memmove(text, line, filled);
  }
  close(file);
}

static void close_others(int socket) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, socket + 1, ~0U, 0) == 0 &&
      (socket == 0 || syscall(SYS_close_range, 0, socket - 1, 0) == 0))
    return;
#endif
  struct rlimit limit;
  int last = 1 << 16;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20) last = limit.rlim_cur;
  for (int other = 0; other < last; other++)
    if (other != socket) close(other);
}

/// A root's child need not be root.
static void step_down(void) {
  if (geteuid() != 0) return;
  // Straight to the kernel: the library's own functions talk to threads that are not here.
  syscall(SYS_setgroups, 0, NULL);
  syscall(SYS_setresgid, 65534, 65534, 65534);
  syscall(SYS_setresuid, 65534, 65534, 65534);
}

static void reset_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  for (int number = 1; number < NSIG; number++) {
    // Those come to the whole group of processes; what they mean is for the parent to decide.
    int passed = number == SIGINT || number == SIGQUIT || number == SIGHUP || number == SIGTERM;
    action.sa_handler = passed ? SIG_IGN : SIG_DFL;
    sigaction(number, &action, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

void smith_guard(int socket, const unsigned char *region, uint64_t memory, uint64_t seconds,
                 pid_t parent) {
  reset_signals();
  close_others(socket);
  unshare_memory(region);
  go_first();
  bound(RLIMIT_AS, space() + memory);
  bound(RLIMIT_CPU, seconds);
  bound(RLIMIT_CORE, 0);
  bound(RLIMIT_FSIZE, 0);
  bound(RLIMIT_NPROC, 0);
  step_down();
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // What is in our memory is nobody else's, and nothing of it goes to a keeper of core files.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent) _exit(0);
}

#if defined(__x86_64__)
#define SMITH_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SMITH_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef SMITH_ARCHITECTURE

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_HAS(bits, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (yes), (no))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define FREELY(name) IF_IS(SYS_##name, 0, 1), ALLOW
#define ON_SOCKET(name) \
  IF_IS(SYS_##name, 0, 4), LOAD(args[0]), IF_IS((uint32_t)socket, 0, 1), ALLOW, REFUSE

int smith_filter(int socket) {
  struct sock_filter rules[] = {
      LOAD(arch), IF_IS(SMITH_ARCHITECTURE, 1, 0), KILL, LOAD(nr),
#ifdef __x86_64__
      // The other calling convention has numbers of its own.
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), KILL,
#endif
      ON_SOCKET(read), ON_SOCKET(write),
      // Memory without a file behind it, and never to be run.
      IF_IS(SYS_mmap, 0, 6), LOAD(args[2]), IF_HAS(PROT_EXEC, 3, 0), LOAD(args[3]),
      IF_HAS(MAP_ANONYMOUS, 0, 1), ALLOW, REFUSE,
      IF_IS(SYS_mprotect, 0, 4), LOAD(args[2]), IF_HAS(PROT_EXEC, 1, 0), ALLOW, REFUSE,
      FREELY(munmap), FREELY(mremap), FREELY(brk), FREELY(madvise), FREELY(futex),
      FREELY(exit), FREELY(exit_group), FREELY(rt_sigreturn), FREELY(rt_sigprocmask),
      FREELY(clock_gettime), FREELY(gettimeofday), FREELY(getrandom),
      REFUSE,
  };
  struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};
#if defined(SYS_seccomp) && defined(SECCOMP_FILTER_FLAG_SPEC_ALLOW)
  // Older kernels slow a filtered process down for the sake of secrets it does not have.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0)
    return 1;
#endif
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

#else

int smith_filter(int socket) {
  (void)socket;
  return 0;
}

#endif
