// The cyclic checksums that stores use, as running values: start with 0, feed the bytes in order.
// A value between two calls is the checksum of everything so far.
#pragma once

#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli). Uses the instruction of the processor where there is one.
uint32_t cchecksums_crc32c(uint32_t value, const void *bytes, size_t byte_count);

// The same without that instruction, so that a test can compare the two.
uint32_t cchecksums_crc32c_portable(uint32_t value, const void *bytes, size_t byte_count);

// CRC-64/NVME.
uint64_t cchecksums_crc64nvme(uint64_t value, const void *bytes, size_t byte_count);
