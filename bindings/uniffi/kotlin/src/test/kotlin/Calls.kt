import dev.chatengine.*
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking

/** Fits what may wait for a subscriber. */
private const val BATCH = 512

/**
 * A program that says on one line how many microseconds each kind of call takes from Kotlin; its argument is for how many
 * seconds each is measured. `cargo xtask bench bindings` sets it beside the same in Rust.
 */
fun main(args: Array<String>) = runBlocking {
    val seconds = args.single().toDouble()
    ChatEngine.inMemory().running { engine ->
        val people = listOf(AddParticipant("ann"), AddParticipant("ben"))
        val room = engine.host().use { it.createRoom(CreateRoom(key = "job:42", participants = people)).id }
        val (ann, ben) = listOf("ann", "ben").map(engine::session)

        val connection = engine.connection("ann", null)
        val scalar = micros(seconds) { calls(1_000) { connection.closeCode() } }
        connection.stop()

        // An object is let go of as it should be.
        val `object` = micros(seconds) { calls(1_000) { engine.session("ann").close() } }

        val async = micros(seconds) { calls(100) { ann.unread() } }

        val events = ben.events()
        events.subscribe(listOf(OpenRoom(room)))
        val event = micros(seconds) {
            // What is sent is there when its call returns, and waits; taking it is what is measured.
            List(BATCH) { async { ann.send(room, SendMessage("On my way")) } }.awaitAll()
            val begun = System.nanoTime()
            var count = 0
            var messages = 0
            while (messages < BATCH) {
                if (events.next() is Event.ChatMessage) messages += 1
                count += 1
            }
            System.nanoTime() - begun to count
        }
        println("""{"scalar": $scalar, "object": $`object`, "async": $async, "event": $event}""")
    }
}

/** Repeats [work], which says how many nanoseconds its calls took and how many they were: first to warm up, then to measure. */
private suspend fun micros(seconds: Double, work: suspend () -> Pair<Long, Int>): Double {
    var took = 0L
    var calls = 0L
    repeat(2) {
        took = 0
        calls = 0
        val begun = System.nanoTime()
        while (System.nanoTime() - begun < seconds * 1e9) {
            val (time, count) = work()
            took += time
            calls += count
        }
    }
    return took / 1e3 / calls
}

/** [count] times the same call. */
private inline fun calls(count: Int, call: () -> Unit): Pair<Long, Int> {
    val begun = System.nanoTime()
    repeat(count) { call() }
    return System.nanoTime() - begun to count
}
