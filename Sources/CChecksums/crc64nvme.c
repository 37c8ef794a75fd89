#include "CChecksums.h"

#include <pthread.h>

// The polynomial, bits reflected.
#define POLYNOMIAL 0x9A6C9329AC4BC9B5u

// table[n][b]: what byte b does to the checksum when n more bytes follow it.
static uint64_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void) {
    for (uint64_t byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) ? POLYNOMIAL : 0);
        table[0][byte] = value;
    }
    for (int row = 1; row < 8; row++)
        for (int byte = 0; byte < 256; byte++) {
            uint64_t value = table[row - 1][byte];
            table[row][byte] = (value >> 8) ^ table[0][value & 0xFF];
        }
}

// Byte by byte, so that the order of bytes in the processor does not matter; compilers make one
// load of it.
static uint64_t load(const unsigned char *bytes) {
    uint64_t word = 0;
    for (int index = 7; index >= 0; index--) word = word << 8 | bytes[index];
    return word;
}

uint64_t cchecksums_crc64nvme(uint64_t value, const void *bytes, size_t byte_count) {
    pthread_once(&table_once, make_table);
    const unsigned char *next = bytes;
    value = ~value;
    for (; byte_count >= 8; byte_count -= 8, next += 8) {
        value ^= load(next);
        value = table[7][value & 0xFF] ^ table[6][value >> 8 & 0xFF] ^
                table[5][value >> 16 & 0xFF] ^ table[4][value >> 24 & 0xFF] ^
                table[3][value >> 32 & 0xFF] ^ table[2][value >> 40 & 0xFF] ^
                table[1][value >> 48 & 0xFF] ^ table[0][value >> 56];
    }
    for (; byte_count > 0; byte_count--, next++)
        value = (value >> 8) ^ table[0][(value ^ *next) & 0xFF];
    return ~value;
}
