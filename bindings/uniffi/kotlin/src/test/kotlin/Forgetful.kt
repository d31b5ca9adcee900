import dev.chatengine.*
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** A program that listens for ever, and may forget to shut down. */
@OptIn(kotlinx.coroutines.DelicateCoroutinesApi::class)
fun main(args: Array<String>) = runBlocking {
    val engine = ChatEngine.inMemory()
    engine.host().createRoom(CreateRoom(key = "job:42", participants = listOf(AddParticipant("ann"))))
    GlobalScope.launch(Dispatchers.IO) { engine.session("ann").follow("job:42").collect { } }
    println("sent ${engine.session("ann").send("job:42", SendMessage("hi")).message.seq}")
    if (args.single() == "shut") engine.shutDown()
}
