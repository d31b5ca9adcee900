import dev.chatengine.*
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** The application's permission hook, as a suspend function. */
class PermitTest {
    /** An engine with the hook and the room `job:42` of ann and ben; what was said in it. */
    private fun played(hook: PermissionHook, test: suspend (ChatEngine) -> Unit): List<String?> = runBlocking {
        withTimeout(120.seconds) {
            ChatEngine.inMemory(hook).running { engine ->
                val people = listOf(AddParticipant("ann"), AddParticipant("ben"))
                engine.host().createRoom(CreateRoom(key = "job:42", participants = people))
                test(engine)
                engine.host().history("job:42").results.map { it.content }
            }
        }
    }

    private suspend fun refused(engine: ChatEngine, content: String, user: String = "ann"): ChatException =
        assertFailsWith<ChatException>(content) { engine.session(user).send("job:42", SendMessage(content)) }

    @Test
    fun `it is asked about the commands of users and what it says holds`() {
        val asked = mutableListOf<Attempt>()
        val hook = permission(CoroutineScope(Dispatchers.Default)) { attempt ->
            synchronized(asked) { asked.add(attempt) }
            if ("why" in attempt.command) Verdict.Deny("the job is over") else Verdict.Allow
        }
        val said = played(hook) { engine ->
            engine.session("ann").send("job:42", SendMessage("yes"))
            assertEquals(listOf("ann", "send_message", "job:42"), asked.single().run { listOf(user, action, room?.key) })
            val denied = refused(engine, "why")
            assertEquals(ErrorCode.FORBIDDEN to "not allowed: the job is over", denied.code to denied.reason)
            assertEquals(ErrorCode.NOT_FOUND, refused(engine, "why", "eve").code)
            assertEquals(2, asked.size)
        }
        assertEquals(listOf<String?>("yes"), said)
    }

    @Test
    fun `one that throws or says nothing in time forbids for now`() {
        val hook = permission(CoroutineScope(Dispatchers.Default)) { attempt ->
            if ("throw" in attempt.command) error("the database is away")
            if ("never" in attempt.command) awaitCancellation()
            Verdict.Allow
        }
        val said = played(hook) { engine ->
            coroutineScope {
                for (content in listOf("throw", "never")) launch {
                    val busy = refused(engine, content)
                    assertEquals(ErrorCode.BUSY, busy.code)
                    assertTrue(busy.retryable)
                }
            }
            engine.session("ann").send("job:42", SendMessage("it goes on"))
        }
        assertEquals(listOf<String?>("it goes on"), said)
    }

    @Test
    fun `what one throws its scope's handler is told and the scope goes on`() {
        val (away, told) = IllegalStateException("the database is away") to CopyOnWriteArrayList<Throwable>()
        val scope = CoroutineScope(Job() + CoroutineExceptionHandler { _, failed -> told.add(failed) })
        val said = played(permission(scope) { throw away }) { engine ->
            repeat(2) { assertEquals(ErrorCode.BUSY, refused(engine, "x").code) }
        }
        assertEquals(emptyList(), said)
        assertEquals(listOf<Throwable>(away, away), told)
    }

    @Test
    fun `one whose scope is gone, that throws at once or lets go of its question forbids for now`() {
        val gone = CoroutineScope(Job()).also { it.cancel() }
        val throws = object : PermissionHook {
            override fun ask(question: Question) = error("the database is away")
        }
        val loses = object : PermissionHook {
            override fun ask(question: Question) = question.close()
        }
        for (hook in listOf(permission(gone) { Verdict.Allow }, throws, loses)) {
            val said = played(hook) { engine -> assertEquals(ErrorCode.BUSY, refused(engine, "x").code) }
            assertEquals(emptyList(), said)
        }
    }
}
