/*
 * Plain data: texts, numbers, booleans, null, and arrays and objects of them, at most 64 deep. Whatever could run code of the function or needs
 * a word of explanation is not plain: getters, toJSON, proxies, class instances with state of their own (Date, Map), functions, cycles.
 * So giving up half-way has no effect, and the order in which properties are read is nobody's business.
 */
#include "json.h"

#include "../boot/config.h"
#include "frames.h"
#include "memory.h"

#define MAX_DEPTH 64
#define FIRST_ROOM 1024
/* A 32-bit number with its sign. */
#define INT_DIGITS 11

/* Numbers of the engine: classes, flags of JS_GetOwnPropertyNames and of a property's descriptor. guest/test/answer.test.ts proves them. */
#define CLASS_OBJECT 1
#define CLASS_ARRAY 2
#define NAMES_STRING (1 << 0)
#define NAMES_ENUMERABLE (1 << 4)
#define PROPERTY_GETSET (1 << 4)

/* On the engine's stack, where its functions put their results. */
struct results {
  uint32_t names, count;
  uint64_t length;
  struct {
    uint32_t flags, padding;
    js_value value, getter, setter;
  } property;
};

struct name {
  uint32_t is_enumerable, atom;
};

/* Offsets are in linear memory. `above` has the objects that contain what is being written. */
struct writer {
  uint32_t text, length, room;
  int depth;
  js_value above[MAX_DEPTH];
};

static int write_value(struct writer *, js_value);

static uint32_t atom_of(const char *name) {
  uint32_t bytes = strlen(name), slot = engine.w2c___stack_pointer -= 16;
  memcpy(engine_at(slot), name, bytes);
  uint32_t atom = Z_qjsZ_JS_NewAtomLen(&engine, config()->context, slot, bytes);
  engine.w2c___stack_pointer += 16;
  return atom;
}

/* 1 when reading the property gives undefined. An exception is read again, and reported, by the prelude. */
static int lacks(js_value object, uint32_t atom) {
  js_value value = Z_qjsZ_JS_GetProperty(&engine, config()->context, object, atom);
  if (js_tag(value) == JS_EXCEPTION) js_free(js_exception());
  js_free(value);
  return js_tag(value) == JS_UNDEFINED;
}

/* Makes room for so many bytes more, and returns where they begin; 0 when there is no memory, or the text is too long for an answer. */
static uint8_t *reserve(struct writer *writer, uint32_t bytes) {
  uint64_t need = (uint64_t)writer->length + bytes;
  if (need > writer->room) {
    uint64_t room = need < FIRST_ROOM ? FIRST_ROOM : need + need / 2;
    if (need > MAX_BODY) return 0;
    uint32_t text = Z_qjsZ_realloc(&engine, writer->text, room);
    if (!text) return 0;
    writer->text = text;
    writer->room = room;
  }
  return (uint8_t *)engine_at(writer->text) + writer->length;
}

static int write_bytes(struct writer *writer, const char *bytes, uint32_t count) {
  uint8_t *to = reserve(writer, count);
  if (!to) return 0;
  for (uint32_t i = 0; i < count; i++) to[i] = bytes[i];
  writer->length += count;
  return 1;
}

static uint8_t *put_unit(uint8_t *to, unsigned unit) {
  static const char digits[] = "0123456789abcdef";
  *to++ = '\\';
  *to++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *to++ = digits[unit >> shift & 15];
  return to;
}

/* Writes UTF-8 in quotes. The engine writes half of a surrogate pair as three bytes, as if it were a character; JSON has an escape for it. */
static int write_quoted(struct writer *writer, const uint8_t *from, uint32_t count) {
  uint8_t *to = reserve(writer, count + 2);
  if (!to) return 0;
  uint8_t *start = to;
  const uint8_t *end = from + count;
  *to++ = '"';
  while (from < end) {
    uint8_t byte = *from++;
    int is_surrogate = byte == 0xed && end - from >= 2 && from[0] >= 0xa0;
    if (byte >= ' ' && byte != '"' && byte != '\\' && !is_surrogate) {
      *to++ = byte;
      continue;
    }
    writer->length += to - start;
    start = to = reserve(writer, end - from + 7);
    if (!to) return 0;
    static const char controls[] = "\b\t\n\f\r", letters[] = "btnfr";
    int control = 0;
    while (controls[control] && controls[control] != byte) control++;
    if (is_surrogate) {
      to = put_unit(to, 0xd000 | (from[0] & 0x3f) << 6 | (from[1] & 0x3f));
      from += 2;
    } else if (byte >= ' ' || controls[control]) {
      *to++ = '\\';
      *to++ = byte >= ' ' ? byte : letters[control];
    } else {
      to = put_unit(to, byte);
    }
  }
  *to++ = '"';
  writer->length += to - start;
  return 1;
}

static int write_string(struct writer *writer, js_value value) {
  uint32_t length, text = js_text(value, &length);
  int is_written = text && write_quoted(writer, engine_at(text), length);
  js_free_text(text);
  return is_written;
}

static int write_int(struct writer *writer, int32_t value) {
  char digits[INT_DIGITS];
  int at = INT_DIGITS;
  uint32_t left = value < 0 ? -(uint32_t)value : (uint32_t)value;
  do digits[--at] = '0' + left % 10;
  while ((left /= 10) > 0);
  if (value < 0) digits[--at] = '-';
  return write_bytes(writer, digits + at, INT_DIGITS - at);
}

static int write_double(struct writer *writer, js_value value) {
  double number = js_number(value);
  /* NaN, or one of the infinities. */
  if (number - number != 0) return write_bytes(writer, "null", 4);
  uint32_t length, text = js_text(value, &length);
  int is_written = text && write_bytes(writer, engine_at(text), length);
  js_free_text(text);
  return is_written;
}

/* Reads a property of the object itself; 0 when there is none, or a getter. */
static int read_own(js_value object, uint32_t atom, struct results *results, js_value *value) {
  uint32_t slot = (uint8_t *)&results->property - (uint8_t *)engine_at(0);
  int32_t found = Z_qjsZ_JS_GetOwnProperty(&engine, config()->context, slot, object, atom);
  if (found <= 0) {
    if (found < 0) js_free(js_exception());
    return 0;
  }
  *value = results->property.value;
  if (!(results->property.flags & PROPERTY_GETSET)) return 1;
  js_free(results->property.getter);
  js_free(results->property.setter);
  return 0;
}

static int write_item(struct writer *writer, js_value value) {
  return js_tag(value) == JS_UNDEFINED ? write_bytes(writer, "null", 4) : write_value(writer, value);
}

static int write_items(struct writer *writer, js_value array, struct results *results) {
  uint32_t slot = (uint8_t *)&results->length - (uint8_t *)engine_at(0);
  if (Z_qjsZ_JS_GetLength(&engine, config()->context, array, slot) != 0) return 0;
  uint64_t length = results->length;
  int is_written = write_bytes(writer, "[", 1);
  for (uint64_t i = 0; is_written && i < length; i++) {
    js_value value;
    uint32_t atom = Z_qjsZ_JS_NewAtomUInt32(&engine, config()->context, i);
    is_written = (i == 0 || write_bytes(writer, ",", 1)) && read_own(array, atom, results, &value);
    Z_qjsZ_JS_FreeAtom(&engine, config()->context, atom);
    if (!is_written) return 0;
    is_written = write_item(writer, value);
    js_free(value);
  }
  return is_written && write_bytes(writer, "]", 1);
}

static int write_member(struct writer *writer, uint32_t atom, js_value value, int is_first, struct results *results) {
  if (js_tag(value) == JS_UNDEFINED) return 1;
  if (!is_first && !write_bytes(writer, ",", 1)) return 0;
  uint32_t slot = (uint8_t *)&results->length - (uint8_t *)engine_at(0);
  uint32_t name = Z_qjsZ_JS_AtomToCStringLen(&engine, config()->context, slot, atom);
  int is_written = name && write_quoted(writer, engine_at(name), results->length) && write_bytes(writer, ":", 1);
  js_free_text(name);
  return is_written && write_value(writer, value);
}

static int write_members(struct writer *writer, js_value object, struct results *results) {
  uint32_t slot = (uint8_t *)results - (uint8_t *)engine_at(0);
  if (Z_qjsZ_JS_GetOwnPropertyNames(&engine, config()->context, slot, slot + 4, object, NAMES_STRING | NAMES_ENUMERABLE) != 0) {
    js_free(js_exception());
    return 0;
  }
  uint32_t table = results->names, count = results->count;
  const struct name *names = engine_at(table);
  int is_written = write_bytes(writer, "{", 1);
  uint32_t start = writer->length;
  for (uint32_t i = 0; is_written && i < count; i++) {
    js_value value;
    is_written = read_own(object, names[i].atom, results, &value);
    if (!is_written) break;
    is_written = write_member(writer, names[i].atom, value, writer->length == start, results);
    js_free(value);
  }
  Z_qjsZ_JS_FreePropertyEnum(&engine, config()->context, table, count);
  return is_written && write_bytes(writer, "}", 1);
}

static int write_object(struct writer *writer, js_value object) {
  static uint32_t to_json;
  uint32_t class = Z_qjsZ_JS_GetClassID(&engine, object);
  if ((class != CLASS_OBJECT && class != CLASS_ARRAY) || writer->depth == MAX_DEPTH) return 0;
  for (int i = 0; i < writer->depth; i++)
    if (writer->above[i] == object) return 0;
  if (!to_json) to_json = atom_of("toJSON");
  if (!lacks(object, to_json)) return 0;
  writer->above[writer->depth++] = object;
  uint32_t slot = engine.w2c___stack_pointer -= sizeof(struct results);
  int is_written = class == CLASS_ARRAY ? write_items(writer, object, engine_at(slot)) : write_members(writer, object, engine_at(slot));
  engine.w2c___stack_pointer += sizeof(struct results);
  writer->depth--;
  return is_written;
}

static int write_value(struct writer *writer, js_value value) {
  switch (js_tag(value)) {
    case JS_OBJECT: return write_object(writer, value);
    case JS_STRING:
    case JS_STRING_ROPE: return write_string(writer, value);
    case JS_INT: return write_int(writer, (int32_t)value);
    case JS_BOOL: return (uint32_t)value ? write_bytes(writer, "true", 4) : write_bytes(writer, "false", 5);
    case JS_NULL: return write_bytes(writer, "null", 4);
    default: return js_is_double(value) && write_double(writer, value);
  }
}

int json_is_answer(js_value value) {
  if (js_tag(value) != JS_OBJECT) return 1;
  static uint32_t body, then;
  if (!body) {
    body = atom_of("body");
    then = atom_of("then");
  }
  int32_t has_body = Z_qjsZ_JS_HasProperty(&engine, config()->context, value, body);
  if (has_body < 0) js_free(js_exception());
  return !has_body && lacks(value, then);
}

uint32_t json_of_plain(js_value value, uint32_t *length) {
  static struct writer writer;
  writer.text = writer.length = writer.room = writer.depth = 0;
  int was_out_of_memory = engine_out_of_memory;
  if (write_value(&writer, value)) {
    *length = writer.length;
    return writer.text;
  }
  Z_qjsZ_wasm_free(&engine, writer.text);
  engine_out_of_memory = was_out_of_memory;
  return 0;
}
