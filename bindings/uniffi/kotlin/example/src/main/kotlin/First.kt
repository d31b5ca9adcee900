import dev.chatengine.*
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first

suspend fun first(path: String) = ChatEngine.open(path).running { engine ->
    val people = listOf(AddParticipant("ann"), AddParticipant("ben"))
    val room = engine.host().createRoom(CreateRoom(key = "job:42", participants = people))
    val events = engine.session("ben").events()
    events.subscribe(listOf(OpenRoom(room.id)))
    engine.session("ann").send(room.id, SendMessage("On my way")) // on the disk when it returns
    val message = events.asFlow().filterIsInstance<Event.ChatMessage>().first().message
    println("${message.sender}: ${message.content}")
    println("${engine.session("ben").unread()} unread")
}
