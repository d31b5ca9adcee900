import dev.chatengine.*
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield

/** A chat on the command line: what you type is said as the first of two, and shown as the other reads it. */
fun main(args: Array<String>) = runBlocking {
    ChatEngine.open(args.firstOrNull() ?: "chat.db").running { engine ->
        chat(engine, generateSequence(::readLine)) { println(it) }
    }
}

suspend fun chat(engine: ChatEngine, lines: Sequence<String>, show: (String) -> Unit) = coroutineScope {
    val people = listOf(AddParticipant("you"), AddParticipant("them"))
    val room = engine.host().createRoom(CreateRoom(key = "job:42", participants = people))
    val (you, them) = engine.session("you") to engine.session("them")
    for (message in them.history(room.id).results.reversed()) show("${message.seq} ${message.sender}: ${message.content}")

    val events = them.events()
    events.subscribe(listOf(OpenRoom(room.id)))
    val reading = launch(start = CoroutineStart.UNDISPATCHED) {
        events.asFlow().filterIsInstance<Event.ChatMessage>().collect { (_, _, _, _, message) ->
            show("${message.seq} ${message.sender}: ${message.content}")
            them.markRead(room.id, message.seq)
        }
    }
    for (line in lines) {
        try {
            you.send(room.id, SendMessage(line))
        } catch (error: ChatException) {
            show("not sent: ${error.reason}")
        }
    }
    // Until the other has read it all.
    val last = you.room(room.id).lastSeq
    while (them.room(room.id).my!!.readSeq < last) yield()
    reading.cancel()
}
