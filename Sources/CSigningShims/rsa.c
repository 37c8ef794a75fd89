#include "CSigningShims.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

struct csigning_rsa {
    EVP_PKEY *key;
    // Fetched once: looking the algorithm up is not part of a signature.
    EVP_MD *sha256;
};

// Without it, OpenSSL would ask whoever is at the terminal for the password of an encrypted key.
static int no_password(char *buffer, int size, int is_writing, void *context) {
    (void)buffer, (void)size, (void)is_writing, (void)context;
    return -1;
}

csigning_rsa *csigning_rsa_create(const uint8_t *pem, size_t byte_count) {
    if (byte_count > INT_MAX) return NULL;
    csigning_rsa *rsa = calloc(1, sizeof *rsa);
    if (rsa == NULL) return NULL;
    // Reads the caller's bytes where they are; they are not copied.
    BIO *source = BIO_new_mem_buf(pem, (int)byte_count);
    if (source != NULL) rsa->key = PEM_read_bio_PrivateKey(source, NULL, no_password, NULL);
    BIO_free(source);
    rsa->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (rsa->key == NULL || rsa->sha256 == NULL || !EVP_PKEY_is_a(rsa->key, "RSA")) {
        csigning_rsa_free(rsa);
        // What OpenSSL noted stays in this thread otherwise, and confuses who looks next.
        ERR_clear_error();
        return NULL;
    }
    return rsa;
}

void csigning_rsa_free(csigning_rsa *rsa) {
    if (rsa == NULL) return;
    // Clears the private numbers.
    EVP_PKEY_free(rsa->key);
    EVP_MD_free(rsa->sha256);
    free(rsa);
}

size_t csigning_rsa_signature_byte_count(const csigning_rsa *rsa) {
    int byte_count = EVP_PKEY_get_size(rsa->key);
    return byte_count > 0 ? (size_t)byte_count : 0;
}

int csigning_rsa_sign(const csigning_rsa *rsa, const uint8_t *data, size_t byte_count,
                      uint8_t *signature, size_t signature_byte_count) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL) return 0;
    size_t written = signature_byte_count;
    // PKCS #1 v1.5 is what an RSA key does unless told otherwise.
    int is_done = EVP_DigestSignInit(context, NULL, rsa->sha256, NULL, rsa->key) == 1 &&
                  EVP_DigestSign(context, signature, &written, data, byte_count) == 1 &&
                  written == signature_byte_count;
    EVP_MD_CTX_free(context);
    if (!is_done) ERR_clear_error();
    return is_done;
}
