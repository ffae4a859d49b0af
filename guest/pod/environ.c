/* The environment and the arguments that the pod gives its guest: `docs/deploying.md` describes it for people. */
#define _GNU_SOURCE
#include "supervisor.h"
#include <string.h>
#include <unistd.h>

#define PREFIX "FIRSTLIGHT_ENV_"

size_t environ_read(struct buffer *json, struct buffer *names)
{
  size_t count = 0;

  buffer_text(json, "{");
  for (char **at = environ; *at; at++) {
    const char *name = *at + strlen(PREFIX);
    const char *equals = strchr(*at, '=');

    if (strncmp(*at, PREFIX, strlen(PREFIX)) != 0 || equals <= name)
      continue;
    buffer_text(json, count ? "," : "");
    buffer_json(json, name, (size_t)(equals - name));
    buffer_text(json, ":");
    buffer_json(json, equals + 1, strlen(equals + 1));
    buffer_text(names, count ? ", " : "");
    buffer_add(names, name, (size_t)(equals - name));
    count++;
  }
  buffer_text(json, "}");
  return count;
}

void environ_arguments(struct buffer *json, char **words)
{
  buffer_text(json, "[");
  for (char **at = words; *at; at++) {
    buffer_text(json, at == words ? "" : ",");
    buffer_json(json, *at, strlen(*at));
  }
  buffer_text(json, "]");
}
