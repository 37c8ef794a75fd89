#include "CCurlShims.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEAD_BYTE_COUNT_MAX = 64 << 10, HEAD_FIELD_COUNT_MAX = 256 };

static int64_t monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void note_pause(struct ccurl_transfer *transfer) {
    if (!transfer->is_receive_paused && !transfer->is_send_paused)
        transfer->paused_since_nanoseconds = monotonic_nanoseconds();
}

// --- Callbacks ----------------------------------------------------------------------------

// All or nothing: libcurl keeps the whole chunk when the callback pauses.
static size_t receive_body(char *bytes, size_t size, size_t count, void *argument) {
    struct ccurl_transfer *transfer = argument;
    size_t left = size * count;
    if (transfer->must_pause) {
        note_pause(transfer);
        transfer->is_receive_paused = 1;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!transfer->is_touched) {
        transfer->is_touched = 1;
        transfer->next_touched = transfer->engine->touched;
        transfer->engine->touched = transfer;
    }
    while (left > 0) {
        if (transfer->piece_count == transfer->piece_capacity) {
            int result = transfer->engine->handlers.need_piece(transfer->context);
            if (result != 0 || transfer->piece_count >= transfer->piece_capacity)
                return CURL_WRITEFUNC_ERROR;
        }
        size_t room = transfer->piece_capacity - transfer->piece_count;
        size_t taken = left < room ? left : room;
        memcpy(transfer->piece + transfer->piece_count, bytes, taken);
        transfer->piece_count += taken;
        transfer->received_count += taken;
        bytes += taken;
        left -= taken;
    }
    return size * count;
}

static int keep_head_line(struct ccurl_transfer *transfer, const char *bytes, size_t count) {
    size_t needed = transfer->head_count + count;
    if (needed > transfer->head_capacity) {
        size_t capacity = needed < 2048 ? 2048 : needed * 2;
        char *grown = realloc(transfer->head, capacity);
        if (grown == NULL) return -1;
        transfer->head = grown;
        transfer->head_capacity = capacity;
    }
    memcpy(transfer->head + transfer->head_count, bytes, count);
    transfer->head_count = needed;
    return 0;
}

// One call a line. Provisional heads (1xx) are forgotten when they end; trailers are not kept.
static size_t receive_head(char *bytes, size_t size, size_t count, void *argument) {
    struct ccurl_transfer *transfer = argument;
    size_t byte_count = size * count;
    transfer->has_response_byte = 1;
    transfer->head_byte_count_total += byte_count;
    transfer->head_field_count_total += 1;
    // The status line and the empty line are no fields.
    if (transfer->head_byte_count_total > HEAD_BYTE_COUNT_MAX ||
        transfer->head_field_count_total > HEAD_FIELD_COUNT_MAX + 2) {
        transfer->is_head_too_large = 1;
        return 0;
    }
    if (transfer->is_head_complete) return byte_count;
    if (byte_count > 2 || (byte_count > 0 && bytes[0] != '\r' && bytes[0] != '\n'))
        return keep_head_line(transfer, bytes, byte_count) == 0 ? byte_count : 0;
    if (ccurl_transfer_status(transfer) < 200) {
        transfer->head_count = 0;
        transfer->has_response_byte = 0;
        return byte_count;
    }
    transfer->is_head_complete = 1;
    int result = transfer->engine->handlers.head_complete(transfer->context);
    return result == 0 ? byte_count : 0;
}

static size_t send_body(char *target, size_t size, size_t count, void *argument) {
    struct ccurl_transfer *transfer = argument;
    // The one early end that libcurl is told of: it has marked the connection for closing.
    if (transfer->is_refused) return 0;
    int64_t given =
        transfer->engine->handlers.read_body(transfer->context, target, size * count);
    if (given == CCURL_READ_PAUSE) {
        note_pause(transfer);
        transfer->is_send_paused = 1;
        return CURL_READFUNC_PAUSE;
    }
    // Never the end: libcurl stops by itself when it has the declared count, and an end before
    // that would leave the server with a request that looks whole.
    if (given <= 0 || (uint64_t)given > size * count) return CURL_READFUNC_ABORT;
    transfer->body_read_count += (uint64_t)given;
    if (transfer->body_read_count >= transfer->body_byte_count)
        transfer->body_read_nanoseconds = monotonic_nanoseconds();
    return (size_t)given;
}

static int rewind_body(void *argument, curl_off_t offset, int origin) {
    struct ccurl_transfer *transfer = argument;
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
    if (transfer->engine->handlers.rewind_body(transfer->context) != 0) return CURL_SEEKFUNC_FAIL;
    transfer->body_read_count = 0;
    transfer->body_read_nanoseconds = 0;
    return CURL_SEEKFUNC_OK;
}

// The connection stands; the request goes out next. libcurl comes here a second time when a reused
// connection turned out to be dead, or after a 417: not every request may be repeated silently.
static int before_request(void *argument, char *remote_address, char *local_address,
                          int remote_port, int local_port) {
    (void)remote_address, (void)local_address;
    struct ccurl_transfer *transfer = argument;
    if (transfer->request_count > 0 &&
        (!transfer->may_be_replayed || transfer->is_head_complete)) {
        transfer->was_replay_refused = 1;
        return CURL_PREREQFUNC_ABORT;
    }
    // Inside of TLS bytes may come at any time; there nobody else can have sent them.
    if (transfer->is_plain &&
        ccurl_engine_note_request(transfer->engine, local_port, remote_port) != 0) {
        transfer->has_met_stray_bytes = 1;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->request_count += 1;
    transfer->connected_nanoseconds = monotonic_nanoseconds();
    if (transfer->body_byte_count > 0 && !transfer->is_upload_listed) {
        transfer->is_upload_listed = 1;
        transfer->next_upload = transfer->engine->uploads;
        transfer->engine->uploads = transfer;
    }
    return CURL_PREREQFUNC_OK;
}

// --- Life ---------------------------------------------------------------------------------

struct ccurl_transfer *ccurl_transfer_create(struct ccurl_engine *engine) {
    struct ccurl_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        free(transfer);
        return NULL;
    }
    transfer->easy = easy;
    transfer->engine = engine;
    transfer->socket = -1;
    // The engine, not the transfer: a connection outlives the handle that has opened it.
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, ccurl_engine_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, engine);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, ccurl_engine_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, engine);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    if (engine->share != NULL) curl_easy_setopt(easy, CURLOPT_SHARE, engine->share);
    return transfer;
}

void ccurl_transfer_destroy(struct ccurl_transfer *transfer) {
    ccurl_engine_unlist(transfer);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->header_lines);
    free(transfer->head);
    free(transfer->rescued);
    free(transfer);
}

void ccurl_transfer_clear(struct ccurl_transfer *transfer) {
    ccurl_engine_unlist(transfer);
    free(transfer->rescued);
    struct ccurl_transfer kept = *transfer;
    curl_easy_setopt(kept.easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(kept.header_lines);
    memset(transfer, 0, sizeof *transfer);
    transfer->easy = kept.easy;
    transfer->engine = kept.engine;
    transfer->socket = -1;
    transfer->head = kept.head;
    transfer->head_capacity = kept.head_capacity;
}

int ccurl_transfer_add_header_line(struct ccurl_transfer *transfer, const char *line) {
    struct curl_slist *grown = curl_slist_append(transfer->header_lines, line);
    if (grown == NULL) return CURLE_OUT_OF_MEMORY;
    transfer->header_lines = grown;
    return CURLE_OK;
}

int ccurl_transfer_add(struct ccurl_transfer *transfer) {
    CURLcode result =
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->header_lines);
    if (result != CURLE_OK) return CURLM_OUT_OF_MEMORY;
    return curl_multi_add_handle(transfer->engine->multi, transfer->easy);
}

void ccurl_transfer_remove(struct ccurl_transfer *transfer) {
    curl_multi_remove_handle(transfer->engine->multi, transfer->easy);
}

int ccurl_transfer_unpause(struct ccurl_transfer *transfer, int directions) {
    int was_paused = transfer->is_receive_paused || transfer->is_send_paused;
    if (directions & CCURL_RECEIVE) transfer->is_receive_paused = 0;
    if (directions & CCURL_SEND) transfer->is_send_paused = 0;
    int rest = (transfer->is_receive_paused ? CURLPAUSE_RECV : 0) |
               (transfer->is_send_paused ? CURLPAUSE_SEND : 0);
    if (was_paused && rest == 0)
        transfer->paused_total_nanoseconds +=
            monotonic_nanoseconds() - transfer->paused_since_nanoseconds;
    return curl_easy_pause(transfer->easy, rest);
}

int64_t ccurl_transfer_paused_nanoseconds(const struct ccurl_transfer *transfer, int64_t now) {
    int is_paused = transfer->is_receive_paused || transfer->is_send_paused;
    return transfer->paused_total_nanoseconds +
           (is_paused ? now - transfer->paused_since_nanoseconds : 0);
}

// --- Options and answers ------------------------------------------------------------------

int ccurl_set_long(struct ccurl_transfer *transfer, CURLoption option, long value) {
    return curl_easy_setopt(transfer->easy, option, value);
}

int ccurl_set_offset(struct ccurl_transfer *transfer, CURLoption option, int64_t value) {
    return curl_easy_setopt(transfer->easy, option, (curl_off_t)value);
}

int ccurl_set_text(struct ccurl_transfer *transfer, CURLoption option, const char *value) {
    return curl_easy_setopt(transfer->easy, option, value);
}

int ccurl_set_list(struct ccurl_transfer *transfer, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(transfer->easy, option, value);
}

uint64_t ccurl_transfer_sent_count(struct ccurl_transfer *transfer) {
    curl_off_t count = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &count);
    return count > 0 ? (uint64_t)count : 0;
}

long ccurl_transfer_status(struct ccurl_transfer *transfer) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

long ccurl_transfer_proxy_status(struct ccurl_transfer *transfer) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status;
}

int64_t ccurl_transfer_content_length(struct ccurl_transfer *transfer) {
    curl_off_t length = -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length;
}
