/*
 * A disk that fails on command, under the data directory of one node: a library to preload (LD_PRELOAD). Linux only.
 *
 * Commands come through a small file that the test writes and this library maps: see `struct control`, and
 * `faulty-disk.ts`, which has the same layout. Only files of DISKFAULT_DIR are affected, and of those not the lock file of
 * LMDB, which is memory that processes share.
 *
 *   sync_errno     fsync, fdatasync and msync fail with this instead of doing anything
 *   sync_delay_ms  they take this much longer
 *   hold           they do not return while this is set
 *   is_limited     all files together can grow by room_bytes and no further, as on a disk that is nearly full; what is
 *                  there can be overwritten
 *
 * What a write or truncation replaces is appended to a file of the same name in DISKFAULT_UNDO before it is done, and a
 * successful sync of the file empties that. So at any moment it says what a power cut could take back. Writes through a
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
  volatile uint32_t hold;
  volatile uint32_t holding;
  volatile uint32_t syncs;
  volatile uint32_t is_limited;
  volatile int64_t room_bytes;
};

/* Before each record of what was replaced. */
struct undo_head {
  uint64_t offset;
  /* Of the write; 0 for a truncation to `offset`. */
  uint64_t length;
  uint64_t old_length;
  uint64_t old_size;
};

static struct control *control;
static char directory[PATH_MAX];
static char undo_directory[PATH_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

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
  if (path == NULL || folder == NULL || undo == NULL) return;
  snprintf(directory, sizeof directory, "%s/", folder);
  snprintf(undo_directory, sizeof undo_directory, "%s", undo);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  control = mapped;
}

/* The name of a file in the directory; 0 for any other. */
static int name_of(int fd, char name[NAME_MAX + 1]) {
  char link[64], path[PATH_MAX];
  if (control == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (strncmp(path, directory, strlen(directory)) != 0) return 0;
  snprintf(name, NAME_MAX + 1, "%s", path + strlen(directory));
  return strcmp(name, "lock.mdb") != 0 && strstr(name, " (deleted)") == NULL;
}

static off64_t size_of(int fd) {
  struct stat64 stat;
  return fstat64(fd, &stat) == 0 ? stat.st_size : 0;
}

static int open_undo(const char *name, int flags) {
  char path[PATH_MAX + NAME_MAX + 2];
  snprintf(path, sizeof path, "%s/%s", undo_directory, name);
  return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
}

/* How many of the bytes have room; 0 with errno set when none has. */
static size_t take_room(int fd, off64_t offset, size_t length) {
  if (control->is_limited == 0) return length;
  off64_t growth = offset + (off64_t)length - size_of(fd);
  if (growth <= 0) return length;
  if (growth > control->room_bytes) {
    off64_t fits = (off64_t)length - (growth - control->room_bytes);
    control->room_bytes = 0;
    if (fits > 0) return (size_t)fits;
    errno = ENOSPC;
    return 0;
  }
  control->room_bytes -= growth;
  return length;
}

/* Remembers what is about to be replaced. */
static void remember(int fd, const char *name, off64_t offset, size_t length, size_t old_length) {
  if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0) return;
  struct undo_head head = {(uint64_t)offset, length, 0, (uint64_t)size_of(fd)};
  char *record = malloc(sizeof head + old_length);
  if (record == NULL) abort();
  /* The file may be open for writing only. */
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int readable = open(link, O_RDONLY | O_CLOEXEC);
  ssize_t old = readable < 0 ? 0 : pread64(readable, record + sizeof head, old_length, offset);
  if (readable >= 0) close(readable);
  head.old_length = old < 0 ? 0 : (uint64_t)old;
  memcpy(record, &head, sizeof head);
  int undo = open_undo(name, O_APPEND);
  if (undo < 0 || real_write(undo, record, sizeof head + head.old_length) < 0) abort();
  close(undo);
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

/* What was written is on disk: nothing of it can be taken back any more. */
static void after_sync(const char *name) {
  pthread_mutex_lock(&lock);
  control->syncs += 1;
  int undo = open_undo(name, O_TRUNC);
  if (undo < 0) abort();
  close(undo);
  pthread_mutex_unlock(&lock);
}

/* Makes room for a write and remembers what it replaces. Returns how much may be written, or -1 with errno set. */
static ssize_t before_write(int fd, const char *name, off64_t offset, size_t length) {
  pthread_mutex_lock(&lock);
  size_t room = take_room(fd, offset, length);
  if (room > 0) remember(fd, name, offset, room, room);
  pthread_mutex_unlock(&lock);
  return room == 0 && length > 0 ? -1 : (ssize_t)room;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  char name[NAME_MAX + 1];
  if (!name_of(fd, name)) return real_write(fd, bytes, length);
  ssize_t room = before_write(fd, name, lseek64(fd, 0, SEEK_CUR), length);
  return room < 0 ? -1 : real_write(fd, bytes, (size_t)room);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  char name[NAME_MAX + 1];
  if (!name_of(fd, name)) return real_pwrite(fd, bytes, length, offset);
  ssize_t room = before_write(fd, name, offset, length);
  return room < 0 ? -1 : real_pwrite(fd, bytes, (size_t)room, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

/* Its caller, LMDB, takes a write that is cut short for the same error. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  char name[NAME_MAX + 1];
  if (!name_of(fd, name)) return real_writev(fd, parts, count);
  size_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  ssize_t room = before_write(fd, name, lseek64(fd, 0, SEEK_CUR), length);
  if (room == (ssize_t)length) return real_writev(fd, parts, count);
  errno = ENOSPC;
  return -1;
}

int ftruncate64(int fd, off64_t length) {
  char name[NAME_MAX + 1];
  if (!name_of(fd, name)) return real_ftruncate(fd, length);
  pthread_mutex_lock(&lock);
  off64_t freed = size_of(fd) - length;
  if (freed > 0) remember(fd, name, length, 0, (size_t)freed);
  if (freed > 0) control->room_bytes += freed;
  pthread_mutex_unlock(&lock);
  return real_ftruncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_with(int (*real_sync)(int), int fd) {
  char name[NAME_MAX + 1];
  if (!name_of(fd, name)) return real_sync(fd);
  if (before_sync() != 0 || real_sync(fd) != 0) return -1;
  after_sync(name);
  return 0;
}

int fsync(int fd) { return sync_with(real_fsync, fd); }

int fdatasync(int fd) { return sync_with(real_fdatasync, fd); }

int msync(void *address, size_t length, int flags) {
  if (control == NULL) return real_msync(address, length, flags);
  return before_sync() != 0 ? -1 : real_msync(address, length, flags);
}
