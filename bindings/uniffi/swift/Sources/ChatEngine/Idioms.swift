// What Swift expects of the generated classes. Not compiled yet: no Swift compiler was at hand.

extension Session {
    /// The events of `rooms`, ids or keys, from now on, and what concerns the user; one that is not there throws
    /// `.notFound`. Leaving the sequence closes the rooms. Only what is taken is made: who falls behind gets `.resync`,
    /// and subscribes again with the last cursor.
    ///
    /// Cancelling the task ends the sequence; a call that waits in Rust is told so by `stop()`, since the generator
    /// does not carry cancellation over by itself.
    public func follow(_ rooms: String...) async throws -> EventSequence {
        let events = self.events()
        let opened = try await events.subscribe(open: rooms.map { OpenRoom(room: $0) })
        // Nobody hears the answers, and nothing would ever come.
        if opened.contains(where: { $0.gone }) {
            events.stop()
            let details = ErrorDetails(field: nil, size: nil, limit: nil)
            throw ChatError.Failed(
                code: .notFound, reason: "room not found", retry: .never, retryAfterMs: nil, details: details)
        }
        return EventSequence(events: events)
    }
}

extension Events {
    /// The next event; nothing at the end. Giving up waiting loses nothing: what is taken is taken without waiting.
    public func next() async throws -> Event? {
        while true {
            if let event = try take() { return event }
            if !(await ready()) { return nil }
        }
    }
}

extension Connection {
    /// The next frames to send, in order; nothing at the end. Giving up waiting loses nothing.
    public func nextFrames() async -> [String]? {
        while true {
            if let frames = take() { return frames }
            if !(await ready()) { return nil }
        }
    }
}

/// A subscriber's events.
public struct EventSequence: AsyncSequence {
    public typealias Element = Event
    let events: Events

    public func makeAsyncIterator() -> Iterator { Iterator(events: events) }

    public final class Iterator: AsyncIteratorProtocol {
        private let events: Events
        init(events: Events) { self.events = events }
        deinit { events.stop() }

        public func next() async throws -> Event? {
            try await withTaskCancellationHandler { try await events.next() } onCancel: { [events] in events.stop() }
        }
    }
}

extension ChatError {
    /// The stable code: the same in every language and on the wire.
    public var code: ErrorCode {
        switch self {
        case let .Failed(code, _, _, _, _): return code
        }
    }

    /// Whether the same call can succeed later.
    public var isRetryable: Bool {
        switch self {
        case let .Failed(_, _, retry, _, _): return retry == .later
        }
    }
}
