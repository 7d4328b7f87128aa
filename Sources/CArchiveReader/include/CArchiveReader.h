/// A process that reads one archive through libarchive, and nothing else
/// (Docs/Decisions/0017-archives-in-a-process-of-their-own.md).
///
/// It has one descriptor, a SOCK_SEQPACKET socket to us, and one region of memory that it shares
/// with us. Whatever comes from it is to be taken for the work of an enemy.
#ifndef C_ARCHIVE_READER_H
#define C_ARCHIVE_READER_H

#include <stdint.h>
#include <sys/types.h>

/// Which of libarchive's readers may look at the bytes.
enum smith_kind {
  smith_kind_zip = 1,
  smith_kind_seven_zip,
  smith_kind_rar,
  smith_kind_cab,
  smith_kind_tar,
  smith_kind_iso,
  smith_kind_compressed,
};

enum {
  /// The region: one piece of the archive, then the pieces that are unpacked.
  smith_input_size = 128 << 10,
  smith_slot_size = 256 << 10,
  smith_slots = 2,
  smith_region_size = smith_input_size + smith_slots * smith_slot_size,
  /// Bytes in front of a frame's text, and the most bytes of text.
  smith_frame_head = 24,
  smith_frame_text = 4096,
  /// Bytes of an order.
  smith_order_size = 16,
};

/// What the process is told: kind (32 bits), nothing (32 bits), value (64 bits).
enum smith_order {
  /// Go on to the next entry.
  smith_order_next = 1,
  /// Unpack the entry.
  smith_order_data,
  /// The wanted bytes are in the region; value: how many.
  smith_order_given,
  /// One more slot is free.
  smith_order_credit,
};

/// What the process says: kind and flags (32 bits each), first and second (64 bits each), text.
enum smith_frame {
  /// It is ready; flags: smith_is_filtered, smith_can_open.
  smith_frame_hello = 1,
  /// It wants bytes of the archive; first: offset.
  smith_frame_need,
  /// An entry; flags: smith_is_...; first: size; second: number of filters; text: name.
  smith_frame_entry,
  /// There are no more entries.
  smith_frame_end,
  /// Bytes of the entry, in the next slot; first: offset; second: how many.
  smith_frame_piece,
  /// The entry has no more bytes.
  smith_frame_data_end,
  /// libarchive refused; first: its error number; text: its words.
  smith_frame_failed,
};

enum {
  smith_is_filtered = 1,
  smith_can_open = 2,
};

enum {
  smith_is_file = 1,
  smith_is_link = 2,
  smith_is_encrypted = 4,
  smith_has_size = 8,
};

/// What the process ends with if libarchive ends it by itself, as it does without memory.
enum { smith_exit_by_library = 71 };

/// What is to be read, and what reading may cost.
struct smith_task {
  uint32_t kind;
  /// Bytes of the archive.
  int64_t size;
  /// Bytes of memory beyond what the process begins with.
  uint64_t memory;
  /// Seconds of processor time.
  uint64_t seconds;
};

/// A running reader.
struct smith_reader {
  pid_t process;
  int socket;
  unsigned char *region;
};

/// Starts a reader; 0 or the error number. Its first frame is smith_frame_hello. If that does not
/// come, the process is to be ended and another started: it inherited a lock that some other
/// thread of ours held.
int smith_reader_start(const struct smith_task *task, struct smith_reader *reader);

/// Kills a process if it still runs, and takes its status; -1 if that is not known.
int smith_reader_reap(pid_t process);

#endif
