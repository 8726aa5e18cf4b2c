/*
 * A disk that fails on command, for the data file of one node: a library to preload (LD_PRELOAD). Linux only.
 *
 * Commands come through a small file that the test writes and this library maps: see `struct control`, and
 * `faulty-disk.ts`, which has the same layout. Only the folder DISKFAULT_DIR is affected.
 *
 *   sync_errno     fsync, fdatasync and msync fail with this instead of doing anything
 *   sync_delay_ms  they take this much longer
 *   hold           they do not return while this is set
 *   size_limit     the data file cannot grow beyond this, nor any other file grow at all: a full disk. What is there can
 *                  be overwritten, as on a real one
 *
 * With DISKFAULT_UNDO set, what a write of the data file replaces is appended to that file before the write, and a
 * successful sync empties it. So at any moment it says which blocks a power cut could take back. Writes through a
 * descriptor with O_DSYNC are durable by themselves.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  volatile uint32_t sync_errno;
  volatile uint32_t sync_delay_ms;
  volatile uint64_t size_limit;
  volatile uint64_t syncs;
  volatile uint64_t writes;
  volatile uint32_t hold;
  volatile uint32_t holding;
};

enum file_kind { OTHER, DATA_FILE, NEIGHBOUR };

static struct control *control;
static char directory[PATH_MAX];
static int undo_fd = -1;
static pthread_mutex_t undo_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_msync)(void *, size_t, int);

__attribute__((constructor)) static void begin(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_msync = dlsym(RTLD_NEXT, "msync");
  const char *path = getenv("DISKFAULT_CONTROL");
  const char *folder = getenv("DISKFAULT_DIR");
  const char *undo = getenv("DISKFAULT_UNDO");
  if (path == NULL || folder == NULL) return;
  snprintf(directory, sizeof directory, "%s/", folder);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  control = mapped;
  if (undo != NULL) undo_fd = open(undo, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static enum file_kind kind_of(int fd) {
  char link[64], path[PATH_MAX];
  if (control == NULL) return OTHER;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return OTHER;
  path[length] = 0;
  if (strncmp(path, directory, strlen(directory)) != 0) return OTHER;
  const char *name = path + strlen(directory);
  if (strcmp(name, "data.mdb") == 0) return DATA_FILE;
  /* The lock file of LMDB is memory that several processes share, and takes no room after its start. */
  return strcmp(name, "lock.mdb") == 0 ? OTHER : NEIGHBOUR;
}

static off64_t size_of(int fd) {
  struct stat64 stat;
  return fstat64(fd, &stat) == 0 ? stat.st_size : 0;
}

/* How many of the bytes have room; 0 with errno set when none has. */
static size_t room_for(int fd, enum file_kind kind, off64_t offset, size_t length) {
  off64_t limit = (off64_t)control->size_limit;
  if (limit == 0 || kind == OTHER) return length;
  off64_t size = size_of(fd);
  if (kind == NEIGHBOUR || limit < size) limit = size;
  if (offset + (off64_t)length <= limit) return length;
  if (offset < limit) return (size_t)(limit - offset);
  errno = ENOSPC;
  return 0;
}

/* Remembers what a write is about to replace: offset, length of the write, length of what was there, and that. */
static void remember(int fd, off64_t offset, size_t length) {
  if (undo_fd < 0 || (fcntl(fd, F_GETFL) & O_DSYNC) != 0) return;
  uint64_t head[3] = {(uint64_t)offset, length, 0};
  char *record = malloc(sizeof head + length);
  if (record == NULL) abort();
  ssize_t old = pread64(fd, record + sizeof head, length, offset);
  head[2] = old < 0 ? 0 : (uint64_t)old;
  memcpy(record, head, sizeof head);
  pthread_mutex_lock(&undo_lock);
  if (real_write(undo_fd, record, sizeof head + head[2]) < 0) abort();
  pthread_mutex_unlock(&undo_lock);
  free(record);
}

static void pause_ms(uint32_t ms) {
  struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

/* What precedes a sync: 0, or -1 with errno set. */
static int before_sync(void) {
  if (control->sync_delay_ms > 0) pause_ms(control->sync_delay_ms);
  while (control->hold != 0) {
    control->holding = 1;
    pause_ms(1);
  }
  control->holding = 0;
  if (control->sync_errno == 0) return 0;
  errno = (int)control->sync_errno;
  return -1;
}

static void after_sync(void) {
  control->syncs += 1;
  if (undo_fd < 0) return;
  pthread_mutex_lock(&undo_lock);
  if (real_ftruncate(undo_fd, 0) != 0) abort();
  pthread_mutex_unlock(&undo_lock);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  enum file_kind kind = kind_of(fd);
  if (kind == OTHER) return real_write(fd, bytes, length);
  off64_t offset = lseek64(fd, 0, SEEK_CUR);
  size_t room = room_for(fd, kind, offset, length);
  if (room == 0 && length > 0) return -1;
  if (kind == DATA_FILE) {
    control->writes += 1;
    remember(fd, offset, room);
  }
  return real_write(fd, bytes, room);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  enum file_kind kind = kind_of(fd);
  if (kind == OTHER) return real_pwrite(fd, bytes, length, offset);
  size_t room = room_for(fd, kind, offset, length);
  if (room == 0 && length > 0) return -1;
  if (kind == DATA_FILE) {
    control->writes += 1;
    remember(fd, offset, room);
  }
  return real_pwrite(fd, bytes, room, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  enum file_kind kind = kind_of(fd);
  if (kind == OTHER) return real_writev(fd, parts, count);
  size_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  off64_t offset = lseek64(fd, 0, SEEK_CUR);
  if (room_for(fd, kind, offset, length) < length) {
    errno = ENOSPC;
    return -1;
  }
  if (kind == DATA_FILE) {
    control->writes += 1;
    remember(fd, offset, length);
  }
  return real_writev(fd, parts, count);
}

int ftruncate64(int fd, off64_t length) {
  enum file_kind kind = kind_of(fd);
  if (kind == DATA_FILE && control->size_limit != 0 && length > (off64_t)control->size_limit) {
    errno = ENOSPC;
    return -1;
  }
  return real_ftruncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fsync(int fd) {
  if (kind_of(fd) != DATA_FILE) return real_fsync(fd);
  if (before_sync() != 0 || real_fsync(fd) != 0) return -1;
  after_sync();
  return 0;
}

int fdatasync(int fd) {
  if (kind_of(fd) != DATA_FILE) return real_fdatasync(fd);
  if (before_sync() != 0 || real_fdatasync(fd) != 0) return -1;
  after_sync();
  return 0;
}

int msync(void *address, size_t length, int flags) {
  if (control == NULL) return real_msync(address, length, flags);
  if (before_sync() != 0 || real_msync(address, length, flags) != 0) return -1;
  after_sync();
  return 0;
}
