/*
 * Runs under Nanos in tests: compares files with their expected content, and changes some for the next boot.
 *
 * /expected has a line for each piece of a file: offset, length, CRC-32 in hex, the file's size, path. /changes has a line
 * for each piece to write: offset, length, the byte, path. After the writes there is a /done, and the next boot
 * compares with /expected-later. The exit status is 0 when all files match.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char buffer[1 << 20];
static char line[8192];
static uint32_t table[256];

static void make_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t rest = i;
    for (int bit = 0; bit < 8; bit++) rest = (rest >> 1) ^ (rest & 1 ? 0xedb88320u : 0);
    table[i] = rest;
  }
}

static int is_right(const char *path, uint64_t offset, uint64_t length, uint32_t expected, uint64_t size) {
  struct stat found;
  int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &found) != 0 || (uint64_t)found.st_size != size) return 0;
  uint32_t crc = 0xffffffffu;
  while (length > 0) {
    size_t wanted = length < sizeof buffer ? length : sizeof buffer;
    ssize_t got = pread(file, buffer, wanted, (off_t)offset);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; i++) crc = (crc >> 8) ^ table[(crc ^ buffer[i]) & 0xff];
    offset += (uint64_t)got;
    length -= (uint64_t)got;
  }
  close(file);
  return length == 0 && ~crc == expected;
}

static int compare(const char *list_path) {
  unsigned right = 0, wrong = 0;
  FILE *list = fopen(list_path, "r");
  while (list && fgets(line, sizeof line, list)) {
    unsigned long offset, length, size;
    unsigned crc;
    int at = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%lu %lu %x %lu %n", &offset, &length, &crc, &size, &at) == 4 && is_right(line + at, offset, length, crc, size)) {
      right++;
    } else {
      wrong++;
      printf("wrong: %.300s\n", line);
    }
  }
  printf("right: %u, wrong: %u\n", right, wrong);
  return wrong > 0 || right == 0;
}

static int change(void) {
  FILE *list = fopen("/changes", "r");
  while (list && fgets(line, sizeof line, list)) {
    unsigned long offset, length;
    unsigned byte;
    int at = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%lu %lu %u %n", &offset, &length, &byte, &at) != 3) return 1;
    int file = open(line + at, O_WRONLY | O_CREAT, 0644);
    memset(buffer, (int)byte, sizeof buffer);
    if (file < 0 || pwrite(file, buffer, length, (off_t)offset) != (ssize_t)length || fsync(file) != 0) {
      printf("cannot write: %.300s\n", line);
      return 1;
    }
    close(file);
  }
  int done = open("/done", O_WRONLY | O_CREAT, 0644);
  if (done < 0 || fsync(done) != 0) return 1;
  sync();
  return 0;
}

int main(void) {
  make_table();
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (access("/done", F_OK) == 0) return compare("/expected-later");
  return compare("/expected") || change();
}
