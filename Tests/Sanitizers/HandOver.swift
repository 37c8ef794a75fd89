// Right by construction: a thread makes an array and hands it over with a continuation. The thread
// sanitizer reports races all the same, for it does not see that the runtime orders the two.
//
//     swiftc -parse-as-library -sanitize=thread -g -O HandOver.swift -o handover && ./handover
import Glibc

/// The continuation on its way to the thread.
final class Parcel {
    let waiter: UnsafeContinuation<[Int], Never>

    init(_ waiter: UnsafeContinuation<[Int], Never>) {
        self.waiter = waiter
    }
}

func makeOnThread() async -> [Int] {
    await withUnsafeContinuation { waiter in
        var thread = pthread_t()
        let parcel = Unmanaged.passRetained(Parcel(waiter)).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let parcel = Unmanaged<Parcel>.fromOpaque(argument).takeRetainedValue()
                parcel.waiter.resume(returning: Array(0..<64).map { $0 &* 3 })
                return nil
            }, parcel)
        pthread_detach(thread)
    }
}

@main struct HandOver {
    static func main() async {
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    var sum = 0
                    for _ in 0..<20 { sum += await makeOnThread().reduce(0, +) }
                    return sum
                }
            }
            var sum = 0
            for await part in group { sum += part }
            print(sum)
        }
    }
}
