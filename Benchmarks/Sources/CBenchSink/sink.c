#define _GNU_SOURCE
#include "CBenchSink.h"

#include <fcntl.h>
#include <pty.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double seconds(struct timespec start, struct timespec end) {
  return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

int bench_open_pty(int *master, int *slave, char *path, size_t size) {
  struct termios settings;
  if (openpty(master, slave, NULL, NULL, NULL) != 0) return -1;
  tcgetattr(*slave, &settings);
  cfmakeraw(&settings);
  tcsetattr(*slave, TCSANOW, &settings);
  fcntl(*master, F_SETFD, FD_CLOEXEC);
  fcntl(*slave, F_SETFD, FD_CLOEXEC);
  return ttyname_r(*slave, path, size) == 0 ? 0 : -1;
}

int bench_spawn_self(const char *mode, const char *value, int descriptor, int *output) {
  posix_spawn_file_actions_t actions;
  int ends[2] = {-1, -1};
  pid_t process;
  char *words[] = {"smith-bench", (char *)mode, (char *)value, NULL};
  posix_spawn_file_actions_init(&actions);
  if (descriptor >= 0) posix_spawn_file_actions_adddup2(&actions, descriptor, 3);
  if (output != NULL) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  }
  int failed = posix_spawn(&process, "/proc/self/exe", &actions, NULL, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (output != NULL) {
    close(ends[1]);
    *output = ends[0];
  }
  return failed ? -1 : process;
}

static void put(int descriptor, const void *bytes, size_t count) {
  const char *next = bytes;
  while (count > 0) {
    ssize_t written = write(descriptor, next, count);
    if (written <= 0) return;
    next += written;
    count -= (size_t)written;
  }
}

static uint16_t table[256];

static void make_table(void) {
  for (int byte = 0; byte < 256; byte++) {
    uint16_t crc = (uint16_t)byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
    table[byte] = crc;
  }
}

/// A reply whose body needs no escapes; its CRC may.
static void reply(int descriptor, const uint8_t *body, size_t count) {
  uint8_t frame[64];
  size_t end = 0;
  uint16_t crc = 0xffff;
  frame[end++] = 0x7e;
  for (size_t i = 0; i < count; i++) {
    frame[end++] = body[i];
    crc = crc >> 8 ^ table[(crc ^ body[i]) & 0xff];
  }
  crc = (uint16_t)~crc;
  for (int i = 0; i < 2; i++) {
    uint8_t byte = (uint8_t)(crc >> (8 * i));
    if (byte == 0x7e || byte == 0x7d) {
      frame[end++] = 0x7d;
      byte ^= 0x20;
    }
    frame[end++] = byte;
  }
  frame[end++] = 0x7e;
  put(descriptor, frame, end);
}

static void answer_text(int descriptor, const char *line) {
  const char *text = "\r\nOK\r\n";
  if (strstr(line, "DLOADVER")) text = "\r\n2.0\r\n\r\nOK\r\n";
  put(descriptor, text, strlen(text));
}

static void answer_frame(int descriptor, uint8_t command) {
  static const uint8_t ack[] = {0x7e, 0x02, 0x6a, 0xd3, 0x7e};
  uint8_t body[32] = {0};
  switch (command) {
    case 0x0c:
      memcpy(body, "\x0d\x0f" "7200B--SKCBADZM", 17);
      reply(descriptor, body, 17);
      break;
    case 0x45:
      memcpy(body, "\x45HUAWEI BENCH", 13);
      reply(descriptor, body, 21);
      break;
    case 0x46:
      memcpy(body, "\x46\x18" "21.157.01.00.00", 17);
      reply(descriptor, body, 26);
      break;
    default:
      put(descriptor, ack, sizeof ack);
  }
}

double bench_run(const char *path, const char *word, double *cpu) {
  struct timespec start, end;
  struct rusage use;
  posix_spawn_file_actions_t actions;
  char *words[] = {(char *)path, (char *)word, NULL};
  pid_t child;
  int status = -1;
  if (posix_spawn_file_actions_init(&actions) != 0) return -1;
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  clock_gettime(CLOCK_MONOTONIC, &start);
  int failed = posix_spawn(&child, path, &actions, NULL, words, environ);
  if (!failed) failed = wait4(child, &status, 0, &use) != child || status != 0;
  clock_gettime(CLOCK_MONOTONIC, &end);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return -1;
  *cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec)
      + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
  return seconds(start, end);
}

long bench_sink(int descriptor) {
  static uint8_t buffer[65536];
  char line[128];
  size_t letters = 0;
  long blocks = 0;
  int inside = 0, command = -1;
  make_table();
  for (;;) {
    ssize_t count = read(descriptor, buffer, sizeof buffer);
    if (count <= 0) return blocks;
    uint8_t *next = buffer, *end = buffer + count;
    while (next < end) {
      if (!inside) {
        if (*next == 0x7e) {
          inside = 1;
          command = -1;
          letters = 0;
        } else if (*next == '\r') {
          line[letters] = 0;
          answer_text(descriptor, line);
          letters = 0;
        } else if (letters + 1 < sizeof line) {
          line[letters++] = (char)*next;
        }
        next++;
        continue;
      }
      if (command < 0 && *next != 0x7e) command = *next;
      uint8_t *flag = memchr(next, 0x7e, (size_t)(end - next));
      if (flag == NULL) break;
      next = flag + 1;
      if (command < 0) continue;
      inside = 0;
      if (command == 0x42) blocks++;
      answer_frame(descriptor, (uint8_t)command);
    }
  }
}

void bench_pong(int descriptor, size_t size) {
  static char buffer[65536];
  size_t held = 0;
  for (;;) {
    ssize_t count = read(descriptor, buffer, sizeof buffer);
    if (count <= 0) return;
    held += (size_t)count;
    while (held >= size) {
      put(descriptor, "12345", 5);
      held -= size;
    }
  }
}

double bench_ping(int descriptor, size_t size, long count) {
  struct timespec start, end;
  char answer[16];
  char *block = malloc(size);
  if (block == NULL) return -1;
  memset(block, 0x55, size);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < count; i++) {
    put(descriptor, block, size);
    for (size_t held = 0; held < 5;) {
      ssize_t got = read(descriptor, answer, 5 - held);
      if (got <= 0) return -1;
      held += (size_t)got;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  free(block);
  return seconds(start, end);
}
