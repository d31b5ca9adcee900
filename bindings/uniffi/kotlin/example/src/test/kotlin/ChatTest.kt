import dev.chatengine.ChatEngine
import dev.chatengine.running
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import kotlin.io.path.createTempDirectory
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

class ChatTest {
    @Test
    fun `what is typed is read by the other, and there again the next time`() = runBlocking {
        withTimeout(120.seconds) {
            val shown = mutableListOf<String>()
            ChatEngine.inMemory().running { engine ->
                chat(engine, sequenceOf("Is the key there?", "   ")) { shown += it }
                chat(engine, sequenceOf("Thanks 🙏")) { shown += it }
            }
            val first = "1 you: Is the key there?"
            assertEquals(listOf(first, first, "2 you: Thanks 🙏"), shown.filterNot { it.startsWith("not sent") })
            assertEquals(1, shown.count { it.startsWith("not sent: `content`") })
        }
    }

    @Test
    fun `the first ten lines say what they should`() = runBlocking {
        val said = ByteArrayOutputStream()
        val before = System.out
        System.setOut(PrintStream(said, true))
        try {
            withTimeout(120.seconds) { first(createTempDirectory().resolve("chat.db").toString()) }
        } finally {
            System.setOut(before)
        }
        assertEquals(listOf("ann: On my way", "1 unread"), said.toString().trim().lines())
    }
}
