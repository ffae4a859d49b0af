#include "assets.h"

#include "../dev/virtio-9p.h"
#include "../dev/virtio-blk.h"
#include "engine.h"
#include "invoke.h"

/*
 * size: a buffer of a word for the number of sectors, 0 without a disk. read: first sector, a buffer for them, one of a word that becomes 1.
 * ask: a message to the shared folder, a buffer for its answer, one of a word for the answer's length, 0 without such a folder.
 */
enum assets_operation { ASSETS_SIZE, ASSETS_READ, ASSETS_ASK };

static uint32_t number(uint32_t box) { return js_number(js_unbox(box)); }

static void set_word(uint32_t box, uint32_t value) {
  uint32_t length;
  uint32_t *word = js_buffer(box, &length);
  if (word && length >= sizeof *word) *word = value;
}

void assets_call(uint32_t argc, const uint32_t *args) {
  uint32_t operation = argc > 0 ? number(args[0]) : UINT32_MAX, length, room;
  if (operation == ASSETS_SIZE && argc == 2) {
    uint64_t sectors = virtio_blk_sectors();
    set_word(args[1], sectors < UINT32_MAX ? sectors : UINT32_MAX);
  } else if (operation == ASSETS_READ && argc == 4) {
    void *to = js_buffer(args[2], &length);
    set_word(args[3], to && virtio_blk_read(number(args[1]), to, length, invoke_deadline_ns()));
  } else if (operation == ASSETS_ASK && argc == 4) {
    const void *message = js_buffer(args[1], &length);
    void *answer = js_buffer(args[2], &room);
    set_word(args[3], message && answer ? virtio_9p_ask(message, length, answer, room, invoke_deadline_ns()) : 0);
  }
}
