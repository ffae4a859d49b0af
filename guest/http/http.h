/* HTTP/1.1 at both ends of a connection: requests as events of a function, and its answers; responses of other servers. */
#ifndef FIRSTLIGHT_HTTP_H
#define FIRSTLIGHT_HTTP_H

#include "buffer.h"

enum request_phase { REQUEST_HEAD, REQUEST_BODY, REQUEST_CHUNK_SIZE, REQUEST_CHUNK, REQUEST_CHUNK_END, REQUEST_TRAILER, REQUEST_DONE };

/* An incoming request, as far as it has arrived. Zero in all its bytes: nothing has. */
struct request {
  enum request_phase phase;
  size_t left;		/* bytes of the body, or of its chunk, that are to come */
  struct buffer head;	/* the head so far; then the current line between chunks */
  char method[16];
  char *target;		/* path and query */
  struct buffer headers;	/* name, zero, value, zero, ...; names in lower case */
  struct buffer body;
  bool expects_continue;
  bool is_last;		/* the client wants the connection closed after the answer */
};

/* The most bytes that a request may have. */
struct request_limits {
  size_t head, body;
};

enum parse_result { PARSE_MORE, PARSE_DONE, PARSE_BAD, PARSE_TOO_LARGE };

/*
 * Takes received bytes. `*taken` of them were this request's: any others begin the next one. After PARSE_BAD and
 * PARSE_TOO_LARGE nothing on the connection can be understood any more.
 */
enum parse_result request_take(struct request *request, const void *bytes, size_t length, struct request_limits limits, size_t *taken);
void request_free(struct request *request);
const char *request_header(const struct request *request, const char *name);
/* The function's event, in the same form as a function on another runtime gets over HTTP. */
void request_to_event(const struct request *request, struct buffer *json);

/* An incoming response, as far as it has arrived. Zero in all its bytes but `is_head`: nothing has. */
struct response {
  struct request message;	/* its headers and its body */
  int status;
  int interim;		/* responses of status 1xx before it */
  bool is_head;		/* the request was HEAD: there is no body */
  bool ends_with_connection;	/* the body is whatever comes before the connection's end */
};

/* As `request_take`. When there was no memory for something, `response_is_short`, and it cannot go on. */
enum parse_result response_take(struct response *response, const void *bytes, size_t length, struct request_limits limits, size_t *taken);
/* The server has closed its half: PARSE_DONE when the response is whole by that, else PARSE_BAD. */
enum parse_result response_end(const struct response *response);
bool response_is_short(const struct response *response);
void response_free(struct response *response);

/* How an answer ends. */
struct answer_form {
  bool is_kept;		/* the connection stays for a next request */
  bool is_head;		/* the request was HEAD: the body is only counted */
};

/* An answer with a body of JSON or text. */
void answer_plain(struct buffer *to, struct answer_form form, int status, const char *type, const char *body, size_t length);
/*
 * An answer of a function: headers as a JSON object of strings, of which `set-cookie` has several cookies with line feeds between them.
 * False when they are not, or the status is not that of an answer: nothing is added.
 */
bool answer_function(struct buffer *to, struct answer_form form, int status, const char *headers, size_t headers_bytes, const void *body, size_t length);
/* The answer to a request that failed: a JSON object with the error's message, and its name where it has one. */
void answer_failure(struct buffer *to, struct answer_form form, int status, const char *name, size_t name_bytes, const char *message, size_t length);

/* Each program's own: the time in seconds since 1970, for the answer's date; 0 when it is not known. */
uint64_t answer_seconds(void);

#endif
