/// The exchanges with one endpoint: how many run, and who waits for a connection, first come first
/// served.
struct EndpointQueue {
    var runningCount = 0
    var waiting: [HTTPExchange] = []
    private var head = 0

    var allWaiting: ArraySlice<HTTPExchange> { waiting[head...] }

    mutating func popWaiting() -> HTTPExchange? {
        while head < waiting.count {
            let exchange = waiting[head]
            head += 1
            if head >= 64, head * 2 >= waiting.count {
                waiting.removeFirst(head)
                head = 0
            }
            if !exchange.mailbox.hasEnded { return exchange }
        }
        waiting = []
        head = 0
        return nil
    }

    mutating func remove(_ exchange: HTTPExchange) {
        guard let index = waiting[head...].firstIndex(where: { $0 === exchange }) else { return }
        waiting.remove(at: index)
    }
}
