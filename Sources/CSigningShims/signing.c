#include "CSigningShims.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { block_byte_count = 64, digest_byte_count = 32 };

// Looking an algorithm up takes longer than hashing a small request, so it is done once. OpenSSL
// documents fetched algorithms as immutable and shareable between threads.
static EVP_MD *sha256;
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static void fetch(void) { sha256 = EVP_MD_fetch(NULL, "SHA256", NULL); }

struct csigning_state {
    // HMAC is H(outer key, H(inner key, message)): the digests after their keys.
    EVP_MD_CTX *inner;
    EVP_MD_CTX *outer;
    // The digests after what a batch has in common.
    EVP_MD_CTX *string_prefix;
    EVP_MD_CTX *request_prefix;
    EVP_MD_CTX *scratch;
};

static int begin(EVP_MD_CTX *context, const uint8_t *data, size_t byte_count) {
    return EVP_DigestInit_ex(context, sha256, NULL) == 1 &&
           EVP_DigestUpdate(context, data, byte_count) == 1;
}

// The digest of what `prefix` has seen and of `data`; `prefix` stays as it is.
static int finish(const csigning_state *state, const EVP_MD_CTX *prefix, const uint8_t *data,
                  size_t byte_count, uint8_t *result) {
    unsigned int written = 0;
    return EVP_MD_CTX_copy_ex(state->scratch, prefix) == 1 &&
           EVP_DigestUpdate(state->scratch, data, byte_count) == 1 &&
           EVP_DigestFinal_ex(state->scratch, result, &written) == 1 &&
           written == digest_byte_count;
}

static int set_key(csigning_state *state, const uint8_t *key, size_t byte_count) {
    uint8_t block[block_byte_count] = {0};
    uint8_t padded[block_byte_count];
    int is_done = 0;
    if (byte_count > block_byte_count) {
        unsigned int written = 0;
        if (!begin(state->scratch, key, byte_count) ||
            EVP_DigestFinal_ex(state->scratch, block, &written) != 1) {
            goto end;
        }
    } else if (byte_count > 0) {
        memcpy(block, key, byte_count);
    }
    for (size_t i = 0; i < block_byte_count; i++) padded[i] = block[i] ^ 0x36;
    if (!begin(state->inner, padded, sizeof padded)) goto end;
    for (size_t i = 0; i < block_byte_count; i++) padded[i] = block[i] ^ 0x5c;
    is_done = begin(state->outer, padded, sizeof padded);
end:
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(padded, sizeof padded);
    return is_done;
}

csigning_state *csigning_create(const uint8_t *key, size_t key_byte_count) {
    if (pthread_once(&fetch_once, fetch) != 0 || sha256 == NULL) return NULL;
    csigning_state *state = calloc(1, sizeof *state);
    if (state == NULL) return NULL;
    state->inner = EVP_MD_CTX_new();
    state->outer = EVP_MD_CTX_new();
    state->string_prefix = EVP_MD_CTX_new();
    state->request_prefix = EVP_MD_CTX_new();
    state->scratch = EVP_MD_CTX_new();
    if (state->inner == NULL || state->outer == NULL || state->string_prefix == NULL ||
        state->request_prefix == NULL || state->scratch == NULL ||
        !set_key(state, key, key_byte_count) ||
        !csigning_set_string_prefix(state, key, 0) ||
        !csigning_set_request_prefix(state, key, 0)) {
        csigning_free(state);
        return NULL;
    }
    return state;
}

void csigning_free(csigning_state *state) {
    if (state == NULL) return;
    // Freeing a context clears it.
    EVP_MD_CTX_free(state->inner);
    EVP_MD_CTX_free(state->outer);
    EVP_MD_CTX_free(state->string_prefix);
    EVP_MD_CTX_free(state->request_prefix);
    EVP_MD_CTX_free(state->scratch);
    free(state);
}

// The second half of HMAC.
static int finish_outer(const csigning_state *state, uint8_t *digest) {
    return finish(state, state->outer, digest, digest_byte_count, digest);
}

int csigning_hmac(csigning_state *state, const uint8_t *data, size_t byte_count,
                  uint8_t *result) {
    return finish(state, state->inner, data, byte_count, result) && finish_outer(state, result);
}

int csigning_set_string_prefix(csigning_state *state, const uint8_t *data, size_t byte_count) {
    return EVP_MD_CTX_copy_ex(state->string_prefix, state->inner) == 1 &&
           EVP_DigestUpdate(state->string_prefix, data, byte_count) == 1;
}

int csigning_set_request_prefix(csigning_state *state, const uint8_t *data, size_t byte_count) {
    return begin(state->request_prefix, data, byte_count);
}

static void write_hex(const uint8_t *digest, uint8_t *text) {
    static const uint8_t digits[] = "0123456789abcdef";
    for (size_t i = 0; i < digest_byte_count; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
}

int csigning_sign(csigning_state *state, const uint8_t *rest, size_t byte_count,
                  uint8_t *signature) {
    uint8_t digest[digest_byte_count];
    uint8_t text[2 * digest_byte_count];
    if (!finish(state, state->request_prefix, rest, byte_count, digest)) return 0;
    write_hex(digest, text);
    if (!finish(state, state->string_prefix, text, sizeof text, digest) ||
        !finish_outer(state, digest)) {
        return 0;
    }
    write_hex(digest, signature);
    return 1;
}

void csigning_erase(void *bytes, size_t byte_count) { OPENSSL_cleanse(bytes, byte_count); }
