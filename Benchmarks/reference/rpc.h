// The least of our protocol that a load generator needs: handshake, calls without a request body,
// the ends of their responses, credit.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The numbers of the operations on the wire.
enum rpc_operation { rpc_head = 1, rpc_get = 2, rpc_capabilities = 16 };

struct rpc;

// Connects and does the handshake.
struct rpc *rpc_open(const char *path);
// All calls from now on are this one.
void rpc_prepare(struct rpc *rpc, enum rpc_operation operation, const char *uri);
// Begins `count` calls with one system call.
void rpc_send(struct rpc *rpc, size_t count);
// Receives once and returns how many calls ended, all of them successfully.
size_t rpc_receive(struct rpc *rpc);
// The bytes of bodies that came so far.
uint64_t rpc_body_byte_count(const struct rpc *rpc);
