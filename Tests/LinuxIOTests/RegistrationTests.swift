import Testing

@testable import LinuxIO

@Suite struct RegistrationTests {
    /// Two descriptors are ready in one batch; whichever comes first cancels the other.
    @Test func cancelledInTheSameBatchIsNotDelivered() async throws {
        try await withLoop { loop in
            var firstPair = try SocketPair()
            var secondPair = try SocketPair()
            let ends = Confined(
                try [
                    firstPair.takeFirst().release(), firstPair.takeSecond().release(),
                    secondPair.takeFirst().release(), secondPair.takeSecond().release(),
                ])
            let calls: Int = try await loop.performUntilDone { done in
                let numbers = ends.value
                _ = sendBytes([1], to: SocketStream(descriptor: numbers[0]))
                _ = sendBytes([1], to: SocketStream(descriptor: numbers[2]))
                let calls = Confined(0)
                let registrations = Confined<[Registration]>([])
                for number in [numbers[1], numbers[3]] {
                    let handler = ClosureHandler { _ in
                        calls.value += 1
                        for registration in registrations.value { registration.cancel() }
                        loop.schedule(after: .milliseconds(2)) { done(calls.value) }
                    }
                    registrations.value.append(
                        try loop.register(
                            descriptor: number, interest: .readable, handler: handler))
                }
            }
            #expect(calls == 1)
            for number in ends.value { _ = OwnedDescriptor(owning: number) }
        }
    }

    @Test func tableFindsOnlyWhatIsInIt() {
        var table = RegistrationTable()
        let first = table.reserve()
        #expect(first == table.reserve())
        #expect(table.find(token: first) == nil)
        #expect(table.find(token: UInt64.max) == nil)
    }

    /// The first handler cancels and closes the other descriptor, then registers a new socket
    /// that gets the same number. The stale event must not reach it.
    @Test func descriptorNumberReusedWithinABatch() async throws {
        try await withLoop { loop in
            let outcome: String = try await loop.performUntilDone { done in
                let world = Confined(BatchWorld())
                let numbers = try (0..<2).map { _ in try world.value.addReadableSocket() }
                let registrations = Confined<[Int32: Registration]>([:])
                let calls = Confined(0)
                for number in numbers {
                    let handler = ClosureHandler { _ in
                        calls.value += 1
                        guard calls.value == 1 else { return done("stale event delivered") }
                        let other = numbers[0] == number ? numbers[1] : numbers[0]
                        registrations.value[other]?.cancel()
                        registrations.value[number]?.cancel()
                        let handler = ClosureHandler { _ in done("new socket called") }
                        let fresh = try? world.value.replace(other)
                        guard fresh == true else { return done("number was not reused") }
                        registrations.value[other] = try? loop.register(
                            descriptor: other, interest: .readable, handler: handler)
                        loop.schedule(after: .milliseconds(3)) {
                            registrations.value[other]?.cancel()
                            world.value.closeAll()
                            done("quiet")
                        }
                    }
                    registrations.value[number] = try loop.register(
                        descriptor: number, interest: .readable, handler: handler)
                }
            }
            #expect(outcome == "quiet")
        }
    }

    @Test func interestLimitsWhatIsReported() async throws {
        try await withLoop { loop in
            var pair = try SocketPair()
            let near = try pair.takeFirst()
            let far = try pair.takeSecond()
            let (nearNumber, farNumber) = (near.rawValue, far.rawValue)
            let seen: [ReadinessSet] = try await loop.performUntilDone { done in
                _ = sendBytes([1], to: SocketStream(descriptor: nearNumber))
                let seen = Confined<[ReadinessSet]>([])
                let registration = Confined<Registration?>(nil)
                let handler = ClosureHandler { readiness in
                    seen.value.append(readiness)
                    switch seen.value.count {
                    case 1:
                        registration.value?.setInterest([])
                        loop.schedule(after: .milliseconds(2)) {
                            registration.value?.setInterest([.readable])
                        }
                    case 2:
                        registration.value?.cancel()
                        done(seen.value)
                    default: break
                    }
                }
                registration.value = try loop.register(
                    descriptor: farNumber, interest: [.readable, .writable], handler: handler)
            }
            #expect(seen == [[.readable, .writable], .readable])
            try near.close()
            try far.close()
        }
    }

    @Test func halfCloseIsReportedAsPeerClosed() async throws {
        try await withLoop { loop in
            var pair = try SocketPair()
            let near = try pair.takeFirst()
            let far = try pair.takeSecond()
            try SocketStream(descriptor: near.rawValue).shutdownWriting()
            let farNumber = far.rawValue
            let seen: ReadinessSet = try await loop.performUntilDone { done in
                let registration = Confined<Registration?>(nil)
                let handler = ClosureHandler { readiness in
                    registration.value?.cancel()
                    done(readiness)
                }
                registration.value = try loop.register(
                    descriptor: farNumber, interest: [.readable, .peerClosed], handler: handler)
            }
            #expect(seen == [.readable, .peerClosed])
            let stream = SocketStream(descriptor: farNumber)
            #expect(receiveBytes(8, from: stream).result.transfer == .endOfStream)
            // The other direction still works.
            #expect(sendBytes([7], to: stream) == .transferred(1))
            #expect(
                receiveBytes(8, from: SocketStream(descriptor: near.rawValue)).bytes == [7])
            try near.close()
            try far.close()
        }
    }

    @Test func registeringABadDescriptorThrows() async throws {
        try await withLoop { loop in
            _ = await #expect(throws: SystemError.self) {
                try await loop.perform {
                    let handler = ClosureHandler { _ in }
                    let made = try loop.register(
                        descriptor: 1_000_000, interest: .readable, handler: handler)
                    made.cancel()
                }
            }
        }
    }
}

/// Socket pairs whose second ends are readable; for the loop thread.
private final class BatchWorld {
    private var peers: [Int32: Int32] = [:]

    func addReadableSocket() throws -> Int32 {
        var pair = try SocketPair()
        let near = try pair.takeFirst().release()
        let far = try pair.takeSecond().release()
        _ = sendBytes([1], to: SocketStream(descriptor: near))
        peers[far] = near
        return far
    }

    /// Puts a socket with nothing to read at the number of another one. dup2 does what a race of
    /// close and open would, without depending on other tests running in this process.
    func replace(_ number: Int32) throws -> Bool {
        var pair = try SocketPair()
        let near = try pair.takeFirst().release()
        let far = try pair.takeSecond()
        guard replaceDescriptor(number, with: far.rawValue) else { return false }
        if let old = peers.updateValue(near, forKey: number) { _ = OwnedDescriptor(owning: old) }
        return true
    }

    func closeAll() {
        for (far, near) in peers {
            _ = OwnedDescriptor(owning: far)
            _ = OwnedDescriptor(owning: near)
        }
        peers = [:]
    }
}
