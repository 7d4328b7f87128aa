#define _GNU_SOURCE
#include "CArchiveReader.h"
#include "Guard.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

// In the child: from the fork on there is one thread, and no code but this and libarchive.

static struct {
  int socket;
  unsigned char *input;
  unsigned char *slots;
  int64_t size, position;
  unsigned turn, credits;
  /// Whether the slot whose turn it is is ours to write to.
  int owned;
  struct archive *archive;
} me;

/// The parent is gone, or says what it never says.
static void leave(void) { _exit(0); }

static void say(uint32_t kind, uint32_t flags, int64_t first, int64_t second, const char *text,
                size_t limit) {
  char frame[smith_frame_head + smith_frame_text];
  memcpy(frame, &kind, 4);
  memcpy(frame + 4, &flags, 4);
  memcpy(frame + 8, &first, 8);
  memcpy(frame + 16, &second, 8);
  size_t length = text ? strnlen(text, limit) : 0;
  if (length > 0) memcpy(frame + smith_frame_head, text, length);
  ssize_t whole = smith_frame_head + length;
  if (write(me.socket, frame, whole) != whole) leave();
}

/// The next order that is no credit, or a credit if one is waited for.
static uint32_t hear(int64_t *value, int waits_for_credit) {
  for (;;) {
    char order[smith_order_size];
    uint32_t kind;
    if (read(me.socket, order, sizeof order) != sizeof order) leave();
    memcpy(&kind, order, 4);
    memcpy(value, order + 8, 8);
    if (kind != smith_order_credit) return kind;
    me.credits++;
    if (waits_for_credit) return kind;
  }
}

static la_ssize_t feed(struct archive *archive, void *context, const void **start) {
  (void)archive, (void)context;
  int64_t given;
  say(smith_frame_need, 0, me.position, 0, NULL, 0);
  if (hear(&given, 0) != smith_order_given || given < 0 || given > smith_input_size) leave();
  me.position += given;
  *start = me.input;
  return given;
}

static la_int64_t skip(struct archive *archive, void *context, la_int64_t count) {
  (void)archive, (void)context;
  int64_t left = me.size - me.position;
  int64_t step = count < 0 ? 0 : count > left ? left : count;
  me.position += step;
  return step;
}

static la_int64_t seek(struct archive *archive, void *context, la_int64_t offset, int whence) {
  (void)archive, (void)context;
  int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? me.position : me.size, wanted;
  if (__builtin_add_overflow(base, offset, &wanted) || wanted > me.size) wanted = me.size;
  me.position = wanted < 0 ? 0 : wanted;
  return me.position;
}

static void failed(void) {
  const char *words = me.archive ? archive_error_string(me.archive) : "No memory";
  say(smith_frame_failed, 0, me.archive ? archive_errno(me.archive) : ENOMEM, 0, words, 512);
}

/// Only readers built into the library: some of its filters would start other programs.
static void allow(uint32_t kind) {
  struct archive *archive = me.archive;
  switch (kind) {
    case smith_kind_zip: archive_read_support_format_zip_seekable(archive); break;
    case smith_kind_seven_zip: archive_read_support_format_7zip(archive); break;
    case smith_kind_rar:
      archive_read_support_format_rar(archive);
      archive_read_support_format_rar5(archive);
      break;
    case smith_kind_cab: archive_read_support_format_cab(archive); break;
    case smith_kind_tar: archive_read_support_format_tar(archive); break;
    case smith_kind_iso: archive_read_support_format_iso9660(archive); break;
    case smith_kind_compressed:
      archive_read_support_filter_gzip(archive);
      archive_read_support_filter_bzip2(archive);
      archive_read_support_filter_xz(archive);
      archive_read_support_filter_zstd(archive);
      archive_read_support_filter_compress(archive);
      archive_read_support_format_tar(archive);
      archive_read_support_format_raw(archive);
      break;
  }
}

/// Whether the archive is open, now if not before.
static int is_open(uint32_t kind) {
  if (me.archive) return 1;
  me.archive = archive_read_new();
  if (!me.archive) return 0;
  allow(kind);
  archive_read_set_callback_data(me.archive, &me);
  archive_read_set_read_callback(me.archive, feed);
  archive_read_set_skip_callback(me.archive, skip);
  archive_read_set_seek_callback(me.archive, seek);
  return archive_read_open1(me.archive) == ARCHIVE_OK;
}

static void next(uint32_t kind) {
  struct archive_entry *entry = NULL;
  if (!is_open(kind)) return failed();
  int status = archive_read_next_header(me.archive, &entry);
  if (status == ARCHIVE_EOF) return say(smith_frame_end, 0, 0, 0, NULL, 0);
  int is_good = status == ARCHIVE_OK || status == ARCHIVE_WARN || status == ARCHIVE_RETRY;
  if (!is_good || !entry) return failed();
  unsigned type = archive_entry_filetype(entry);
  uint32_t flags = type == AE_IFREG || type == 0 ? smith_is_file : 0;
  if (type == AE_IFLNK || archive_entry_hardlink(entry)) flags |= smith_is_link;
  if (archive_entry_is_encrypted(entry)) flags |= smith_is_encrypted;
  if (archive_entry_size_is_set(entry)) flags |= smith_has_size;
  say(smith_frame_entry, flags, archive_entry_size(entry), archive_filter_count(me.archive),
      archive_entry_pathname(entry), smith_frame_text);
}

/// Waits until the slot whose turn it is may be written to.
static unsigned char *slot(void) {
  int64_t ignored;
  if (!me.owned) {
    while (me.credits == 0)
      if (hear(&ignored, 1) != smith_order_credit) leave();
    me.credits--;
    me.owned = 1;
  }
  return me.slots + (size_t)me.turn * smith_slot_size;
}

/// Hands over what is in the slot.
static void flush(int64_t *start, size_t *fill, int64_t *sent) {
  if (*fill == 0 && *start == *sent) return;
  // A hole at the end of a file is a piece without bytes.
  slot();
  say(smith_frame_piece, 0, *start, (int64_t)*fill, NULL, 0);
  me.turn = (me.turn + 1) % smith_slots;
  me.owned = 0;
  *start += *fill;
  *sent = *start;
  *fill = 0;
}

static void data(void) {
  int64_t start = 0, sent = 0;
  size_t fill = 0;
  if (!me.archive) leave();
  for (;;) {
    const void *block = NULL;
    size_t size = 0;
    la_int64_t offset = 0;
    int status = archive_read_data_block(me.archive, &block, &size, &offset);
    if (status == ARCHIVE_EOF) {
      flush(&start, &fill, &sent);
      return say(smith_frame_data_end, 0, 0, 0, NULL, 0);
    }
    if (status != ARCHIVE_OK || offset < 0) return failed();
    if (offset != start + (int64_t)fill) {
      flush(&start, &fill, &sent);
      start = offset;
    }
    for (const unsigned char *from = block; size > 0;) {
      size_t step = smith_slot_size - fill < size ? smith_slot_size - fill : size;
      memcpy(slot() + fill, from, step);
      from += step, size -= step, fill += step;
      if (fill == smith_slot_size) flush(&start, &fill, &sent);
    }
  }
}

/// Turns a name into wide characters and back, as libarchive does.
static void convert(void) {
  wchar_t wide = 0;
  char narrow[16];
  mbstate_t state;
  memset(&state, 0, sizeof state);
  mbrtowc(&wide, "\xd0\x9e", 2, &state);
  memset(&state, 0, sizeof state);
  wcrtomb(narrow, wide, &state);
  iconv_t converter = iconv_open("UTF-8", "UTF-8");
  if (converter != (iconv_t)-1) iconv_close(converter);
}

static void by_library(void) { _exit(smith_exit_by_library); }

/// Takes every lock that reading may want once. One that another thread held at the fork is held
/// for ever: then the parent never hears the hello, and starts another process.
static void try_locks(locale_t names) {
  // libarchive ends a process by exit(); what the parent wants to be done then is not ours.
  atexit(by_library);
  if (names) uselocale(names);
  convert();
  time_t now = 1;
  struct tm parts;
  localtime_r(&now, &parts);
  mktime(&parts);
  struct archive *archive = archive_read_new();
  if (archive) archive_read_free(archive);
}

static void child(const struct smith_task *task, int socket, unsigned char *region,
                  locale_t names, pid_t parent) {
  me.socket = socket;
  me.input = region;
  me.slots = region + smith_input_size;
  me.size = task->size;
  me.credits = smith_slots;
  smith_guard(socket, region, task->memory, task->seconds, parent);
  try_locks(names);
  // Last, for the locks may want files.
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_NOFILE, &none);
  uint32_t flags = smith_filter(socket) ? smith_is_filtered : 0;
  if (open("/dev/null", O_RDONLY) >= 0) flags |= smith_can_open;
  say(smith_frame_hello, flags, 0, 0, NULL, 0);
  for (;;) {
    int64_t ignored;
    switch (hear(&ignored, 0)) {
      case smith_order_next: next(task->kind); break;
      case smith_order_data: data(); break;
      default: leave();
    }
  }
}

// In the parent.

static locale_t unicode;

/// libarchive turns names into the encoding of the thread's locale: UTF-8 whatever the owner's is.
static void prepare(void) {
  unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
  // What is looked up once is not looked up, under a lock, in each child.
  locale_t before = unicode ? uselocale(unicode) : (locale_t)0;
  convert();
  if (before) uselocale(before);
  tzset();
}

int smith_reader_start(const struct smith_task *task, struct smith_reader *reader) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare);
  int ends[2];
  unsigned char *region = mmap(NULL, smith_region_size, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) return errno;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    int failure = errno;
    munmap(region, smith_region_size);
    return failure;
  }
  pid_t parent = getpid();
  // No handler of the parent may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t process = fork();
  if (process == 0) child(task, ends[1], region, unicode, parent);
  int failure = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    munmap(region, smith_region_size);
    return failure;
  }
  // Other readers are not to have it even for a moment.
  madvise(region, smith_region_size, MADV_DONTFORK);
  *reader = (struct smith_reader){process, ends[0], region};
  return 0;
}

int smith_reader_reap(pid_t process) {
  int status = 0;
  if (process <= 0) return -1;
  kill(process, SIGKILL);
  pid_t done;
  do done = waitpid(process, &status, 0);
  while (done < 0 && errno == EINTR);
  return done == process ? status : -1;
}
