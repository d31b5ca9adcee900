import ChatEngine

func first() async throws {
    let engine = try await ChatEngine.open(path: "chat.db")
    let people = [AddParticipant(userId: "ann"), AddParticipant(userId: "ben")]
    let room = try await engine.host().createRoom(create: CreateRoom(key: "job:42", participants: people))
    let events = try await engine.session(user: "ben").follow(room.id)
    _ = try await engine.session(user: "ann").send(room: room.id, message: SendMessage(content: "On my way"))
    for try await case let .chatMessage(_, _, _, _, message, _) in events {
        print(message.sender ?? "", message.content ?? "")
        break
    }
    try await engine.shutDown()
}
