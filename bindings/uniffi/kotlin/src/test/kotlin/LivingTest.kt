import dev.chatengine.*
import java.io.File
import java.nio.file.Files
import java.time.Instant
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield

/** Errors, events, cancellation and ends, as a Kotlin program meets them. */
class LivingTest {
    /** An engine and the room `job:42` of ann and ben. */
    private fun engine(test: suspend CoroutineScope.(ChatEngine, String) -> Unit) = runBlocking {
        withTimeout(120.seconds) {
            ChatEngine.inMemory().running { engine ->
                val people = listOf(AddParticipant("ann"), AddParticipant("ben"))
                val room = engine.host().createRoom(CreateRoom(key = "job:42", participants = people))
                coroutineScope { test(engine, room.id) }
            }
        }
    }

    private suspend fun fails(code: ErrorCode, said: String = "", call: suspend () -> Unit): ChatException {
        val error = assertFailsWith<ChatException> { call() }
        assertEquals(code, error.code, error.reason)
        assertContains(error.reason, said)
        assertFalse("geheim" in error.reason)
        return error
    }

    @Test
    fun `wrong arguments are refused and named`() = engine { engine, room ->
        val ann = engine.session("ann")
        val invalid = ErrorCode.INVALID_ARGUMENT
        fails(invalid, "`client_id`") { ann.send(room, SendMessage("x", clientId = "a\u0000geheim")) }
        fails(invalid, "`read_seq`") { ann.send(room, SendMessage("x", readSeq = -1)) }
        fails(invalid, "`metadata`") { ann.send(room, SendMessage("x", metadata = "geheim")) }
        fails(invalid, "`metadata`") { ann.send(room, SendMessage("x", metadata = "[1]")) }
        fails(invalid, "`seq`") { ann.markRead(room, 1L shl 53) }
        fails(invalid, "`message_id`") { ann.message("geheim") }
        fails(invalid, "`key`") { ann.room("no room") }
        fails(invalid, "`cursor`") { ann.events().subscribe(listOf(OpenRoom(room, "geheim"))) }
        fails(invalid, "`user_id`") { engine.session("") }
        fails(invalid, "`user_id`") { engine.connection("a\nb", null) }
        val large = fails(ErrorCode.MESSAGE_TOO_LARGE) { ann.send(room, SendMessage("x".repeat(16_385))) }
        assertEquals(ErrorDetails("content", 16_385, 16_384), large.details)
        assertFalse(large.retryable)
        assertEquals(0, ann.history(room).results.size)
    }

    @Test
    fun `dates are instants`() = engine { engine, room ->
        val until = Instant.parse("2099-01-02T03:04:05.678Z")
        val muted = engine.host().updateParticipant(room, UpdateParticipant("ann", mutedUntil = until))
        assertEquals(until, muted.mutedUntil)
        val freed = engine.host().updateParticipant(room, UpdateParticipant("ann", clear = listOf(Field.MUTED_UNTIL)))
        assertNull(freed.mutedUntil)
    }

    @Test
    fun `a flow has every message once and in order`() = engine { engine, room ->
        val ann = engine.session("ann")
        val seqs = async(start = CoroutineStart.UNDISPATCHED) {
            engine.session("ben").follow(room).filterIsInstance<Event.ChatMessage>().map { it.message.seq }.take(300).toList()
        }
        // Whoever opens the room second sees that the other is there.
        ann.events().use { events ->
            val present = events.subscribe(listOf(OpenRoom(room))).single().present
            if ("ben" !in present) events.asFlow().first { it is Event.UserJoined && it.userId == "ben" }
        }
        (1..300).map { async { ann.send(room, SendMessage("$it")) } }.awaitAll()
        assertEquals((1L..300L).toList(), seqs.await())
    }

    @Test
    fun `who collects without a dispatcher holds up nobody`() = runBlocking {
        // Not closed where it fails: it stands still then, and would hold up the other tests.
        val engine = ChatEngine.inMemory()
        withTimeout(60.seconds) {
            val people = listOf(AddParticipant("ann"), AddParticipant("ben"))
            val room = engine.host().createRoom(CreateRoom(participants = people)).id
            val events = engine.session("ben").events()
            events.subscribe(listOf(OpenRoom(room)))
            val heard = CoroutineScope(Dispatchers.Unconfined).async {
                events.asFlow().filterIsInstance<Event.ChatMessage>().map { it.message.content }.take(100).toList()
            }
            repeat(100) { engine.session("ann").send(room, SendMessage("$it")) }
            assertEquals((0 until 100).map { "$it" }, heard.await())
        }
        engine.shutDown()
    }

    @Test
    fun `cancelling loses nothing and leaves nothing half done`() = engine { engine, room ->
        val (ann, events) = engine.session("ann") to engine.session("ben").events()
        events.subscribe(listOf(OpenRoom(room)))
        assertIs<Event.UserJoined>(events.next())
        repeat(50) {
            val waiting = launch { events.next() }
            // It gives others their turn first; then it waits.
            repeat(3) { yield() }
            waiting.cancelAndJoin()
        }
        repeat(50) { n ->
            launch(start = CoroutineStart.UNDISPATCHED) { ann.send(room, SendMessage("$n", clientId = "$n")) }.cancelAndJoin()
        }
        // What was cancelled happened or did not; repeated under its name it has happened once.
        repeat(50) { n -> ann.send(room, SendMessage("$n", clientId = "$n")) }
        assertEquals(50, ann.room(room).lastSeq)
        val seqs = events.asFlow().filterIsInstance<Event.ChatMessage>().map { it.message.seq }.take(50).toList()
        assertEquals((1L..50L).toList(), seqs)
        val waiting = async { events.next() }
        repeat(3) { yield() }
        events.stop()
        assertNull(waiting.await())
    }

    @Test
    fun `a flow of a room that is not there is an error`() = engine { engine, _ ->
        fails(ErrorCode.NOT_FOUND) { withTimeout(60.seconds) { engine.session("ann").follow("job:42", "job:7").collect { } } }
    }

    @Test
    fun `after the end every call is an error`() = engine { engine, room ->
        val ann = engine.session("ann")
        val calls = (1..200).map { async { runCatching { ann.send(room, SendMessage("$it")) } } }
        engine.shutDown()
        for (failed in calls.awaitAll().mapNotNull { it.exceptionOrNull() }) {
            assertEquals(ErrorCode.DRAINING, assertIs<ChatException>(failed).code)
        }
        assertTrue(fails(ErrorCode.DRAINING) { ann.send(room, SendMessage("late")) }.retryable)
        assertNull(ann.events().next())
        engine.shutDown()
        ann.close()
        assertFailsWith<IllegalStateException> { ann.send(room, SendMessage("later still")) }
    }

    @Test
    fun `a room is closed by its key`() = engine { engine, room ->
        engine.session("ben").events().use { events ->
            events.subscribe(listOf(OpenRoom("job:42")))
            events.unsubscribe("job:42")
            engine.session("ann").send(room, SendMessage("unheard"))
            events.subscribe(listOf(OpenRoom("job:42")))
            engine.session("ann").send(room, SendMessage("heard"))
            assertEquals("heard", events.asFlow().filterIsInstance<Event.ChatMessage>().first().message.content)
        }
    }

    @Test
    fun `calls may come from many threads`() = engine { engine, room ->
        (0 until 8).map { thread ->
            async(Dispatchers.IO) { repeat(20) { engine.session("ann").send(room, SendMessage("$thread.$it")) } }
        }.awaitAll()
        assertEquals(160, engine.session("ben").unread())
    }

    @Test
    fun `a connection is carried over any socket`() = engine { engine, _ ->
        engine.connection("ben", "job:42").use { conn ->
            conn.receive("""{"action":"send_message","ref":1,"content":"hi"}""")
            val frames = conn.frames().take(4).toList()
            assertContains(frames[0], "\"ready\"")
            assertTrue(frames.any { "\"reply\"" in it })
            engine.host().removeParticipant("job:42", "ben")
            assertContains(conn.frames().toList().last(), "\"closing\"")
            assertEquals(3501u, conn.closeCode())
        }
    }

    @Test
    fun `what is no text is answered and what is too large ends a connection`() = engine { engine, _ ->
        engine.connection("ben", null).use { conn ->
            conn.receive("{}".toByteArray())
            conn.receive("""{"action":"ping","ref":1}""")
            val frames = conn.frames().take(3).toList()
            assertContains(frames[1], "text frame")
            assertContains(frames[2], "\"reply\"")
            conn.receive("x".repeat(128 * 1024 + 1))
            conn.frames().toList()
            assertEquals(1009u, conn.closeCode())
        }
    }

    @Test
    fun `in the background it lets go of the file, and back it has what others wrote meanwhile`() = runBlocking {
        val folder = Files.createTempDirectory("chat-engine").toFile()
        val path = File(folder, "chat.db").path
        val people = listOf(AddParticipant("ann"), AddParticipant("ben"))
        ChatEngine.open(path).running { engine ->
            val room = engine.host().createRoom(CreateRoom(key = "job:42", participants = people)).id
            val ann = engine.session("ann")
            val told = CompletableDeferred<Event.Resync>()
            val opened = CompletableDeferred<Unit>()
            val listening = launch(start = CoroutineStart.UNDISPATCHED) {
                // The first thing that one hears is that one is there oneself.
                ann.follow(room).onEach { opened.complete(Unit) }.filterIsInstance<Event.Resync>().first().let { told.complete(it) }
            }
            opened.await()
            ann.events().use { events ->
                val cursor = events.subscribe(listOf(OpenRoom(room))).single().cursor
                engine.suspend()
                engine.suspend()
                fails(ErrorCode.SUSPENDED) { ann.send(room, SendMessage("x")) }
                ChatEngine.open(path).running { other ->
                    other.session("ben").send(room, SendMessage("from elsewhere"))
                    fails(ErrorCode.STORAGE_UNAVAILABLE, "already in use") { engine.resume() }
                }
                listOf(async { engine.resume() }, async { engine.resume() }).awaitAll()
                assertEquals(room, withTimeout(120.seconds) { told.await() }.room)
                listening.join()
                val changes = events.subscribe(listOf(OpenRoom(room, cursor))).single().changes
                assertEquals(listOf("from elsewhere"), changes?.map { (it as Event.ChatMessage).message.content })
                assertEquals(2, ann.send(room, SendMessage("on we go")).message.seq)
            }
        }
        assertTrue(folder.deleteRecursively())
    }

    @Test
    fun `a file is opened once at a time`() = runBlocking {
        val folder = Files.createTempDirectory("chat-engine").toFile()
        val path = File(folder, "chat.db").path
        ChatEngine.open(path).running { engine ->
            engine.host().createRoom(CreateRoom(key = "job:42", participants = listOf(AddParticipant("ann"))))
            engine.session("ann").send("job:42", SendMessage("kept"))
            fails(ErrorCode.STORAGE_UNAVAILABLE, "already in use") { ChatEngine.open(path) }
        }
        ChatEngine.open(path).running { assertEquals("kept", it.session("ann").history("job:42").results.single().content) }
        assertTrue(folder.deleteRecursively())
    }

    @Test
    fun `the jar has its licences`() {
        for (text in listOf("LICENSE-MIT", "LICENSE-APACHE")) assertNotNull(ChatEngine::class.java.getResource("/META-INF/$text"))
    }

    @Test
    fun `a program ends by itself`() {
        val java = File(System.getProperty("java.home"), "bin/java").path
        for (end in listOf("shut", "forgotten")) {
            val program = ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), "ForgetfulKt", end)
                .redirectErrorStream(true).start()
            val ended = program.waitFor(120, TimeUnit.SECONDS)
            if (!ended) program.destroyForcibly()
            assertTrue(ended, end)
            assertEquals("0: sent 1\n", "${program.exitValue()}: ${program.inputStream.bufferedReader().readText()}")
        }
    }
}
