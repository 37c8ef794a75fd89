#include "CCurlShims.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RESCUED_BYTE_COUNT_MAX = 64 << 10 };

static int socket_changed(CURL *easy, curl_socket_t socket, int what, void *argument,
                          void *socket_argument) {
    (void)socket_argument;
    struct ccurl_engine *engine = argument;
    struct ccurl_transfer *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (transfer != NULL && what != CURL_POLL_REMOVE) transfer->socket = socket;
    engine->handlers.watch_socket(engine->context, socket, what);
    return 0;
}

static int timer_changed(CURLM *multi, long milliseconds, void *argument) {
    (void)multi;
    struct ccurl_engine *engine = argument;
    engine->handlers.set_timer(engine->context, milliseconds);
    return 0;
}

int ccurl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

struct ccurl_engine *ccurl_engine_create(struct ccurl_handlers handlers, void *context,
                                         long maximum_connection_count) {
    struct ccurl_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) return NULL;
    engine->multi = curl_multi_init();
    engine->share = curl_share_init();
    if (engine->multi == NULL || engine->share == NULL) {
        if (engine->multi != NULL) curl_multi_cleanup(engine->multi);
        if (engine->share != NULL) curl_share_cleanup(engine->share);
        free(engine);
        return NULL;
    }
    engine->handlers = handlers;
    engine->context = context;
    // One thread, so the share needs no locks. It lets a TLS session of one easy handle be resumed
    // by another.
    curl_share_setopt(engine->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
    curl_multi_setopt(engine->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, maximum_connection_count);
    return engine;
}

void ccurl_engine_destroy(struct ccurl_engine *engine) {
    curl_multi_cleanup(engine->multi);
    if (engine->share != NULL) curl_share_cleanup(engine->share);
    free(engine->sockets);
    free(engine);
}

int ccurl_engine_act(struct ccurl_engine *engine, int socket, int mask) {
    int running = 0;
    return curl_multi_socket_action(engine->multi, socket, mask, &running);
}

struct ccurl_transfer *ccurl_engine_next_finished(struct ccurl_engine *engine, int *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        void *transfer = NULL;
        *result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        if (transfer != NULL) return transfer;
    }
    return NULL;
}

struct ccurl_transfer *ccurl_engine_next_touched(struct ccurl_engine *engine) {
    struct ccurl_transfer *transfer = engine->touched;
    if (transfer == NULL) return NULL;
    engine->touched = transfer->next_touched;
    transfer->next_touched = NULL;
    transfer->is_touched = 0;
    return transfer;
}

static void unlist_touched(struct ccurl_transfer *transfer) {
    if (!transfer->is_touched) return;
    struct ccurl_transfer **link = &transfer->engine->touched;
    while (*link != NULL && *link != transfer) link = &(*link)->next_touched;
    if (*link == transfer) *link = transfer->next_touched;
    transfer->next_touched = NULL;
    transfer->is_touched = 0;
}

void ccurl_engine_unlist(struct ccurl_transfer *transfer) {
    unlist_touched(transfer);
    if (!transfer->is_upload_listed) return;
    struct ccurl_transfer **link = &transfer->engine->uploads;
    while (*link != NULL && *link != transfer) link = &(*link)->next_upload;
    if (*link == transfer) *link = transfer->next_upload;
    transfer->next_upload = NULL;
    transfer->is_upload_listed = 0;
}

// A server may answer an upload early and close at once, which resets the connection: the answer is
// in the kernel's buffer by then, but libcurl gives up when its next send fails, without reading.
static void rescue(struct ccurl_transfer *transfer, int socket) {
    uint8_t *bytes = malloc(RESCUED_BYTE_COUNT_MAX);
    if (bytes == NULL) return;
    size_t count = 0;
    while (count < RESCUED_BYTE_COUNT_MAX) {
        ssize_t result = recv(socket, bytes + count, RESCUED_BYTE_COUNT_MAX - count, MSG_DONTWAIT);
        if (result <= 0) break;
        count += (size_t)result;
    }
    free(transfer->rescued);
    transfer->rescued = bytes;
    transfer->rescued_count = count;
}

int ccurl_engine_close_socket(void *argument, curl_socket_t socket) {
    struct ccurl_engine *engine = argument;
    for (struct ccurl_transfer *transfer = engine->uploads; transfer != NULL;
         transfer = transfer->next_upload)
        if (transfer->socket == socket && transfer->is_plain && !transfer->has_response_byte)
            rescue(transfer, socket);
    ccurl_engine_forget_socket(engine, socket);
    return close(socket);
}
