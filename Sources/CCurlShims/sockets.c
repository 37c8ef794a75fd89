#include "CCurlShims.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// What is known of a socket of libcurl's.
struct ccurl_socket {
    int number;
    // Network order; 0 while the socket is not connected.
    in_port_t local_port;
    in_port_t remote_port;
    // Requests that went out on it.
    uint64_t request_count;
};

static in_port_t port_of(int socket, int (*ask)(int, struct sockaddr *, socklen_t *)) {
    struct sockaddr_storage address = {0};
    socklen_t byte_count = sizeof address;
    if (ask(socket, (struct sockaddr *)&address, &byte_count) != 0) return 0;
    if (address.ss_family == AF_INET) return ((struct sockaddr_in *)&address)->sin_port;
    if (address.ss_family == AF_INET6) return ((struct sockaddr_in6 *)&address)->sin6_port;
    return 0;
}

static void remember(struct ccurl_engine *engine, int number) {
    if (engine->socket_count == engine->socket_capacity) {
        size_t capacity = engine->socket_capacity * 2 + 16;
        struct ccurl_socket *grown = realloc(engine->sockets, capacity * sizeof *grown);
        // Then the socket is used without being looked at.
        if (grown == NULL) return;
        engine->sockets = grown;
        engine->socket_capacity = capacity;
    }
    engine->sockets[engine->socket_count++] = (struct ccurl_socket){.number = number};
}

void ccurl_engine_forget_socket(struct ccurl_engine *engine, int number) {
    for (size_t index = 0; index < engine->socket_count; index++)
        if (engine->sockets[index].number == number)
            engine->sockets[index--] = engine->sockets[--engine->socket_count];
}

curl_socket_t ccurl_engine_open_socket(void *argument, curlsocktype purpose,
                                       struct curl_sockaddr *address) {
    (void)purpose;
    struct ccurl_engine *engine = argument;
    int number = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (number < 0) return CURL_SOCKET_BAD;
    // libcurl 7.88 closes a socket that is not connected yet without asking anybody to. Whatever is
    // known under this number is of such a one.
    ccurl_engine_forget_socket(engine, number);
    remember(engine, number);
    return number;
}

static struct ccurl_socket *find(struct ccurl_engine *engine, in_port_t local_port,
                                 in_port_t remote_port) {
    for (size_t index = 0; index < engine->socket_count; index++) {
        struct ccurl_socket *candidate = &engine->sockets[index];
        if (candidate->local_port == 0) {
            candidate->remote_port = port_of(candidate->number, getpeername);
            if (candidate->remote_port == 0) continue;
            candidate->local_port = port_of(candidate->number, getsockname);
        }
        if (candidate->local_port == local_port && candidate->remote_port == remote_port)
            return candidate;
    }
    return NULL;
}

int ccurl_engine_note_request(struct ccurl_engine *engine, int local_port, int remote_port) {
    struct ccurl_socket *socket =
        find(engine, htons((in_port_t)local_port), htons((in_port_t)remote_port));
    if (socket == NULL) return 0;
    uint8_t byte;
    if (socket->request_count > 0 &&
        recv(socket->number, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        return 1;
    socket->request_count += 1;
    return 0;
}
