import dev.chatengine.*
import java.io.File
import kotlinx.coroutines.runBlocking

/** A program that does the same again and again, and says the memory it has after its warming up and at its end. */
fun main(args: Array<String>) = runBlocking {
    val count = args[1].toInt()
    when (args[0]) {
        "rounds" -> {
            rounds(200, args[2])
            measure()
            rounds(count, args[2])
            measure()
        }
        "events" -> ChatEngine.inMemory().running { engine ->
            val room = roomOf(engine).id
            engine.session("ann").use { ann ->
                ann.events().use { events ->
                    events.subscribe(listOf(OpenRoom(room)))
                    val message = ann.send(room, SendMessage(content = "hi")).message.id
                    edits(20_000, ann, events, message)
                    measure()
                    edits(count, ann, events, message)
                    measure()
                }
            }
        }
        else -> error("no such program: ${args[0]}")
    }
}

private suspend fun rounds(count: Int, path: String) = repeat(count) { n ->
    ChatEngine.open(path).running { engine ->
        val room = roomOf(engine).id
        engine.session("ann").use { ann ->
            ann.events().use { events ->
                events.subscribe(listOf(OpenRoom(room)))
                if (n % 2 == 0) events.stop()
            }
        }
    }
}

/** An edit replaces what was there. It is told to those who have the room open, and each time is waited for. */
private suspend fun edits(count: Int, ann: Session, events: Events, message: String) = repeat(count) { n ->
    ann.edit(EditMessage(messageId = message, content = "$n"))
    while (events.next() !is Event.MessageEdited) Unit
}

private suspend fun roomOf(engine: ChatEngine): Room = engine.host().use { host ->
    host.createRoom(CreateRoom(key = "job:42", participants = listOf(AddParticipant("ann"), AddParticipant("ben"))))
}

private fun measure() {
    System.gc()
    val resident = File("/proc/self/status").readLines().single { it.startsWith("VmRSS:") }
    println(resident.filter(Char::isDigit))
}
