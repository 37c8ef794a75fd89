// Right by construction: an array that is touched only inside of a `Mutex`. The thread sanitizer
// reports races all the same, for it does not see the lock.
//
//     swiftc -parse-as-library -sanitize=thread -g -O LockedArray.swift -o locked && ./locked
import Synchronization

final class LockedArray: Sendable {
    let values = Mutex<[Int]>([])
}

@main struct Main {
    static func main() async {
        let array = LockedArray()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                group.addTask {
                    for step in 0..<2000 {
                        array.values.withLock { values in
                            values.append(index &+ step)
                            if values.count > 64 { values.removeAll() }
                        }
                    }
                }
            }
        }
        print(array.values.withLock { $0.count })
    }
}
