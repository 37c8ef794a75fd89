// What Swift cannot say to libcurl: its options and answers are variadic calls, and its callbacks
// run once per 16 KiB of a body, where a call into Swift would cost more than the copy.
//
// Everything here belongs to one event loop and is called on its thread only.

#ifndef CCURL_SHIMS_H
#define CCURL_SHIMS_H

#include <curl/curl.h>
#include <stdint.h>
#include <sys/types.h>

// What the exchange is asked. Each `context` is the one of the transfer or of the engine.
struct ccurl_handlers {
    // The piece is full, or there is none yet: set another one. Other than 0 breaks the transfer.
    int (*_Nonnull need_piece)(void *_Nonnull context);
    // The final head is complete. Other than 0 breaks the transfer.
    int (*_Nonnull head_complete)(void *_Nonnull context);
    // Body bytes for the server: a count, CCURL_READ_PAUSE or CCURL_READ_ABORT.
    int64_t (*_Nonnull read_body)(void *_Nonnull context, char *_Nonnull target, size_t capacity);
    // Begin the body again. Other than 0: it cannot be sent a second time.
    int (*_Nonnull rewind_body)(void *_Nonnull context);
    // What libcurl waits for on a socket (CURL_POLL_*), and when it wants to be called (< 0: never).
    void (*_Nonnull watch_socket)(void *_Nonnull engine_context, int socket, int what);
    void (*_Nonnull set_timer)(void *_Nonnull engine_context, long milliseconds);
};

enum { CCURL_READ_PAUSE = -1, CCURL_READ_ABORT = -2 };

struct ccurl_engine {
    CURLM *_Nonnull multi;
    CURLSH *_Nullable share;
    struct ccurl_handlers handlers;
    void *_Nullable context;
    // Transfers that got body bytes since the list was last taken.
    struct ccurl_transfer *_Nullable touched;
    // Transfers that send a body.
    struct ccurl_transfer *_Nullable uploads;
    // The sockets that are open, see sockets.c.
    struct ccurl_socket *_Nullable sockets;
    size_t socket_count;
    size_t socket_capacity;
};

// One easy handle with the state of its callbacks.
struct ccurl_transfer {
    CURL *_Nonnull easy;
    struct ccurl_engine *_Nonnull engine;
    void *_Nullable context;
    struct curl_slist *_Nullable header_lines;

    // The piece that is being filled; the memory is the exchange's.
    uint8_t *_Nullable piece;
    size_t piece_capacity;
    size_t piece_count;
    uint64_t received_count;

    // The final head, status line included; the memory is this transfer's.
    char *_Nullable head;
    size_t head_count;
    size_t head_capacity;
    // Over all heads of the response, also the provisional ones and the trailers.
    size_t head_byte_count_total;
    size_t head_field_count_total;

    struct ccurl_transfer *_Nullable next_touched;
    struct ccurl_transfer *_Nullable next_upload;

    // What the kernel still had for a broken upload when its socket was closed; this transfer's
    // memory. See engine.c.
    uint8_t *_Nullable rescued;
    size_t rescued_count;
    // The socket that libcurl last waited on for this transfer; -1 before.
    int32_t socket;

    // When the connection stood, in monotonic nanoseconds; 0 before.
    int64_t connected_nanoseconds;
    // When the last byte of the body was given to libcurl; 0 before.
    int64_t body_read_nanoseconds;
    int64_t paused_since_nanoseconds;
    int64_t paused_total_nanoseconds;
    uint64_t body_byte_count;
    uint64_t body_read_count;
    int32_t request_count;

    // Whether the bytes on the socket are HTTP as it is, not TLS.
    uint8_t is_plain;
    uint8_t is_upload_listed;
    uint8_t may_be_replayed;
    // The final answer came before the whole body was read, and is no success: no more is sent.
    uint8_t is_refused;
    uint8_t was_replay_refused;
    // The connection that was to be used again has bytes on it that nobody asked for.
    uint8_t has_met_stray_bytes;
    uint8_t is_head_complete;
    uint8_t is_head_too_large;
    uint8_t has_response_byte;
    // The consumer has enough: the next body bytes stay with libcurl.
    uint8_t must_pause;
    uint8_t is_receive_paused;
    uint8_t is_send_paused;
    uint8_t is_touched;
};

int ccurl_global_init(void);

// NULL when there is no memory.
struct ccurl_engine *_Nullable ccurl_engine_create(struct ccurl_handlers handlers,
                                                   void *_Nonnull context,
                                                   long maximum_connection_count);
// Closes every idle connection. No transfer may be left in it.
void ccurl_engine_destroy(struct ccurl_engine *_Nonnull engine);
// `socket` is CURL_SOCKET_TIMEOUT for the timer; `mask` has CURL_CSELECT_* bits.
int ccurl_engine_act(struct ccurl_engine *_Nonnull engine, int socket, int mask);
// The next finished transfer and its CURLcode, or NULL.
struct ccurl_transfer *_Nullable ccurl_engine_next_finished(struct ccurl_engine *_Nonnull engine,
                                                            int *_Nonnull result);
// For ccurl_transfer_create: closes a socket, keeping what came over it for a broken upload.
int ccurl_engine_close_socket(void *_Nonnull engine, curl_socket_t socket);
// For ccurl_transfer_create: makes a socket.
curl_socket_t ccurl_engine_open_socket(void *_Nonnull engine, curlsocktype purpose,
                                       struct curl_sockaddr *_Nonnull address);
void ccurl_engine_forget_socket(struct ccurl_engine *_Nonnull engine, int socket);
// A request is about to go out on the connection with these ports. Not 0 when the connection has
// carried one before and something came over it after the answer: libcurl 7.88 would take that for
// the next answer.
int ccurl_engine_note_request(struct ccurl_engine *_Nonnull engine, int local_port,
                              int remote_port);
// Takes the transfer out of every list of its engine.
void ccurl_engine_unlist(struct ccurl_transfer *_Nonnull transfer);
// One transfer that got bytes, taken from the list, or NULL.
struct ccurl_transfer *_Nullable ccurl_engine_next_touched(struct ccurl_engine *_Nonnull engine);

// An easy handle with the options that are the same for every request. NULL without memory.
struct ccurl_transfer *_Nullable ccurl_transfer_create(struct ccurl_engine *_Nonnull engine);
void ccurl_transfer_destroy(struct ccurl_transfer *_Nonnull transfer);
// Forgets everything of the last request but the options.
void ccurl_transfer_clear(struct ccurl_transfer *_Nonnull transfer);
int ccurl_transfer_add_header_line(struct ccurl_transfer *_Nonnull transfer,
                                   const char *_Nonnull line);
int ccurl_transfer_add(struct ccurl_transfer *_Nonnull transfer);
void ccurl_transfer_remove(struct ccurl_transfer *_Nonnull transfer);

enum { CCURL_RECEIVE = 1, CCURL_SEND = 2 };
// Ends the pause of these directions. May call the callbacks before it returns.
int ccurl_transfer_unpause(struct ccurl_transfer *_Nonnull transfer, int directions);
// How long the transfer has been paused, up to now.
int64_t ccurl_transfer_paused_nanoseconds(const struct ccurl_transfer *_Nonnull transfer,
                                          int64_t now);

int ccurl_set_long(struct ccurl_transfer *_Nonnull transfer, CURLoption option, long value);
int ccurl_set_offset(struct ccurl_transfer *_Nonnull transfer, CURLoption option, int64_t value);
int ccurl_set_text(struct ccurl_transfer *_Nonnull transfer, CURLoption option,
                   const char *_Nullable value);
int ccurl_set_list(struct ccurl_transfer *_Nonnull transfer, CURLoption option,
                   struct curl_slist *_Nullable value);
// How many bytes of the body have left the process.
uint64_t ccurl_transfer_sent_count(struct ccurl_transfer *_Nonnull transfer);
long ccurl_transfer_status(struct ccurl_transfer *_Nonnull transfer);
// What the proxy answered to CONNECT; 0 without one.
long ccurl_transfer_proxy_status(struct ccurl_transfer *_Nonnull transfer);
// -1 when the response does not say.
int64_t ccurl_transfer_content_length(struct ccurl_transfer *_Nonnull transfer);

#endif
