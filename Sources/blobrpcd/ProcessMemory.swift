import CLinuxShims

/// How the process keeps its memory.
enum ProcessMemory {
    /// Tells malloc to keep freed body buffers instead of giving them back to the kernel.
    ///
    /// Bodies live in buffers of 256 KiB to 1 MiB that come and go all the time. By default malloc
    /// maps and unmaps each, and the first touch of fresh pages costs more than copying into them.
    static func keepFreedMemory() {
        clinux_keep_freed_memory(8 << 20, 32 << 20)
    }
}
