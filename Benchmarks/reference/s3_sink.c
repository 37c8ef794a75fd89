// An S3 service that keeps nothing: it takes what is put and says that all is well. What it costs is
// near what any service must, so that a client of it is measured and not a store. It checks nothing;
// it listens on the loopback device only.
#define _GNU_SOURCE
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { head_size = 64 << 10, name_size = 2048 };

static const char xml_start[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
static const char name_space[] = "http://s3.amazonaws.com/doc/2006-03-01/";
static const char entity_tag[] = "00000000000000000000000000000000";

struct request {
    char method[16];
    char path[name_size];
    char query[name_size];
    uint64_t body_size;
    bool expects_continue;
    bool is_last;
};

// One connection, and what was received of it beyond the last request.
struct connection {
    int socket;
    size_t count;
    char bytes[head_size + 1];
};

static bool send_all(int socket, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(socket, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

static bool answer(int socket, const char *status, const char *headers, const char *body) {
    char text[8192];
    int count = snprintf(
        text, sizeof text, "HTTP/1.1 %s\r\n%sServer: sink\r\nContent-Length: %zu\r\n\r\n%s", status,
        headers, strlen(body), body);
    return count < (int)sizeof text && send_all(socket, text, (size_t)count);
}

// Whether the query has a parameter of this name.
static bool has(const char *query, const char *name) {
    size_t count = strlen(name);
    for (const char *part = query; *part != 0;) {
        if (strcspn(part, "=&") == count && strncmp(part, name, count) == 0) return true;
        part += strcspn(part, "&");
        if (*part == '&') part++;
    }
    return false;
}

static bool parse_header(struct request *request, const char *line) {
    if (strncasecmp(line, "content-length:", 15) == 0) {
        request->body_size = strtoull(line + 15, NULL, 10);
    } else if (strncasecmp(line, "expect:", 7) == 0) {
        request->expects_continue = true;
    } else if (strncasecmp(line, "connection: close", 17) == 0) {
        request->is_last = true;
    } else if (strncasecmp(line, "transfer-encoding:", 18) == 0) {
        return false;
    }
    return true;
}

static bool parse(struct request *request, char *head) {
    char target[name_size];
    memset(request, 0, sizeof *request);
    char *state = NULL;
    char *line = strtok_r(head, "\r\n", &state);
    if (line == NULL || sscanf(line, "%15s %2047s HTTP/1.1", request->method, target) != 2) {
        return false;
    }
    char *question = strchr(target, '?');
    if (question != NULL) {
        *question = 0;
        strcpy(request->query, question + 1);
    }
    strcpy(request->path, target);
    while ((line = strtok_r(NULL, "\r\n", &state)) != NULL) {
        if (!parse_header(request, line)) return false;
    }
    return true;
}

// Receives until a whole head is there. Returns its size; 0 at the end of the connection.
static size_t receive_head(struct connection *connection) {
    while (1) {
        connection->bytes[connection->count] = 0;
        char *end = strstr(connection->bytes, "\r\n\r\n");
        if (end != NULL) return (size_t)(end - connection->bytes) + 4;
        if (connection->count == head_size) return 0;
        ssize_t received = recv(
            connection->socket, connection->bytes + connection->count,
            head_size - connection->count, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received <= 0) return 0;
        connection->count += (size_t)received;
    }
}

static bool discard_body(struct connection *connection, uint64_t size) {
    size_t here = connection->count < size ? connection->count : (size_t)size;
    memmove(connection->bytes, connection->bytes + here, connection->count - here);
    connection->count -= here;
    for (uint64_t rest = size - here; rest > 0;) {
        size_t wanted = rest < (1 << 30) ? (size_t)rest : (size_t)1 << 30;
        // Dropped in the kernel: not even copied.
        ssize_t received = recv(connection->socket, NULL, wanted, MSG_TRUNC);
        if (received < 0 && errno == EINTR) continue;
        if (received <= 0) return false;
        rest -= (uint64_t)received;
    }
    return true;
}

static bool serve_post(int socket, const struct request *request) {
    char body[4096 + name_size];
    const char *type = "Content-Type: application/xml\r\n";
    if (has(request->query, "uploads")) {
        snprintf(
            body, sizeof body,
            "%s<InitiateMultipartUploadResult xmlns=\"%s\"><Bucket>sink</Bucket><Key>key</Key>"
            "<UploadId>upload-of-nothing</UploadId></InitiateMultipartUploadResult>",
            xml_start, name_space);
    } else if (has(request->query, "uploadId")) {
        snprintf(
            body, sizeof body,
            "%s<CompleteMultipartUploadResult xmlns=\"%s\"><Location>/</Location>"
            "<Bucket>sink</Bucket><Key>key</Key><ETag>&quot;%s-1&quot;</ETag>"
            "</CompleteMultipartUploadResult>",
            xml_start, name_space, entity_tag);
    } else if (has(request->query, "delete")) {
        snprintf(body, sizeof body, "%s<DeleteResult xmlns=\"%s\"/>", xml_start, name_space);
    } else {
        return answer(socket, "400 Bad Request", "", "");
    }
    return answer(socket, "200 OK", type, body);
}

static bool serve(int socket, const struct request *request) {
    char headers[256];
    if (strcmp(request->method, "PUT") == 0) {
        snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n", entity_tag);
        return answer(socket, "200 OK", headers, "");
    }
    if (strcmp(request->method, "POST") == 0) return serve_post(socket, request);
    if (strcmp(request->method, "DELETE") == 0) return answer(socket, "204 No Content", "", "");
    // A bucket is there, a blob is not.
    const char *slash = strchr(request->path + 1, '/');
    bool is_bucket = slash == NULL || slash[1] == 0;
    return answer(socket, is_bucket ? "200 OK" : "404 Not Found", "", "");
}

static void *serve_connection(void *argument) {
    struct connection *connection = argument;
    struct request request;
    size_t size;
    while ((size = receive_head(connection)) > 0) {
        connection->bytes[size - 1] = 0;
        if (!parse(&request, connection->bytes)) break;
        memmove(connection->bytes, connection->bytes + size, connection->count - size);
        connection->count -= size;
        const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (request.expects_continue && connection->count == 0
            && !send_all(connection->socket, go_on, sizeof go_on - 1)) {
            break;
        }
        if (!discard_body(connection, request.body_size)) break;
        if (!serve(connection->socket, &request) || request.is_last) break;
    }
    close(connection->socket);
    free(connection);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 2) refuse("usage: s3_sink PORT");
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)parse_count(arguments[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (listener < 0) die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    if (listen(listener, 1024) < 0) die("listen");
    while (1) {
        int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct connection *connection = allocate(sizeof *connection);
        connection->socket = accepted;
        connection->count = 0;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_connection, connection) != 0) die("thread");
        pthread_detach(thread);
    }
}
