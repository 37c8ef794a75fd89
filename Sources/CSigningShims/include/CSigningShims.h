#ifndef CSIGNING_SHIMS_H
#define CSIGNING_SHIMS_H

#include <stddef.h>
#include <stdint.h>

// HMAC-SHA256, the inner loop of AWS Signature V4, and RSA-SHA256 over OpenSSL's EVP interface.
//
// In C, because a signature is a dozen calls with contexts that are copied and used again; what is
// common to many signatures is hashed once and kept as a half-finished digest. Every function
// returns 1, or 0 when OpenSSL failed.

/// The states of one signing key. Has one user at a time.
typedef struct csigning_state csigning_state;

/// Prepares HMAC-SHA256 under `key`. NULL when OpenSSL failed. The key is not kept.
csigning_state *csigning_create(const uint8_t *key, size_t key_byte_count);
void csigning_free(csigning_state *state);

/// The 32 bytes of HMAC-SHA256 of `data`.
int csigning_hmac(
    csigning_state *state, const uint8_t *data, size_t byte_count, uint8_t *result);

/// What every string to sign that follows begins with, up to the hash of the canonical request.
int csigning_set_string_prefix(csigning_state *state, const uint8_t *data, size_t byte_count);
/// What every canonical request that follows begins with.
int csigning_set_request_prefix(csigning_state *state, const uint8_t *data, size_t byte_count);
/// Signs the canonical request made of the prefix and `rest`: 64 lower-case hexadecimal digits.
int csigning_sign(
    csigning_state *state, const uint8_t *rest, size_t byte_count, uint8_t *signature);

/// A private RSA key. Nothing changes it, so many threads may sign with it at once.
typedef struct csigning_rsa csigning_rsa;

/// Reads a private key in PEM, without a password. NULL for anything else. The text is not kept.
csigning_rsa *csigning_rsa_create(const uint8_t *pem, size_t byte_count);
void csigning_rsa_free(csigning_rsa *rsa);

/// The size of every signature of this key.
size_t csigning_rsa_signature_byte_count(const csigning_rsa *rsa);
/// RSASSA-PKCS1-v1_5 with SHA-256 of `data`.
int csigning_rsa_sign(
    const csigning_rsa *rsa, const uint8_t *data, size_t byte_count, uint8_t *signature,
    size_t signature_byte_count);

/// Overwrites a secret so that the compiler does not leave it out.
void csigning_erase(void *bytes, size_t byte_count);

#endif
