#include "CChecksums.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

// The polynomial, bits reflected.
#define POLYNOMIAL 0x82F63B78u

// table[n][b]: what byte b does to the checksum when n more bytes follow it.
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) ? POLYNOMIAL : 0);
        table[0][byte] = value;
    }
    for (int row = 1; row < 8; row++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t value = table[row - 1][byte];
            table[row][byte] = (value >> 8) ^ table[0][value & 0xFF];
        }
}

uint32_t cchecksums_crc32c_portable(uint32_t value, const void *bytes, size_t byte_count) {
    pthread_once(&table_once, make_table);
    const unsigned char *next = bytes;
    value = ~value;
    for (; byte_count >= 8; byte_count -= 8, next += 8) {
        // Byte by byte, so that the order of bytes in the processor does not matter.
        uint32_t low = value ^ ((uint32_t)next[0] | (uint32_t)next[1] << 8 |
                                (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24);
        value = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
                table[4][low >> 24] ^ table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^
                table[0][next[7]];
    }
    for (; byte_count > 0; byte_count--, next++)
        value = (value >> 8) ^ table[0][(value ^ *next) & 0xFF];
    return ~value;
}

#if defined(__x86_64__)

// 8 bytes each 3 cycles: faster than any network, so one stream is enough.
__attribute__((target("sse4.2"))) static uint32_t accelerated(
    uint32_t value, const unsigned char *next, size_t byte_count) {
    uint64_t wide = (uint32_t)~value;
    for (; byte_count >= 8; byte_count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; byte_count > 0; byte_count--, next++) narrow = _mm_crc32_u8(narrow, *next);
    return ~narrow;
}

static int can_accelerate(void) {
    unsigned int eax, ebx, ecx = 0, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSE4_2);
}

#elif defined(__aarch64__)

__attribute__((target("crc"))) static uint32_t accelerated(
    uint32_t value, const unsigned char *next, size_t byte_count) {
    value = ~value;
    for (; byte_count >= 8; byte_count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, sizeof word);
        value = __crc32cd(value, word);
    }
    for (; byte_count > 0; byte_count--, next++) value = __crc32cb(value, *next);
    return ~value;
}

static int can_accelerate(void) {
    const unsigned long crc32_capability = 1 << 7;
    return (getauxval(AT_HWCAP) & crc32_capability) != 0;
}

#else

static uint32_t accelerated(uint32_t value, const unsigned char *next, size_t byte_count) {
    return cchecksums_crc32c_portable(value, next, byte_count);
}

static int can_accelerate(void) {
    return 0;
}

#endif

static int is_accelerated;
static pthread_once_t accelerated_once = PTHREAD_ONCE_INIT;

static void look_at_processor(void) {
    is_accelerated = can_accelerate();
}

uint32_t cchecksums_crc32c(uint32_t value, const void *bytes, size_t byte_count) {
    pthread_once(&accelerated_once, look_at_processor);
    if (!is_accelerated) return cchecksums_crc32c_portable(value, bytes, byte_count);
    return accelerated(value, bytes, byte_count);
}
