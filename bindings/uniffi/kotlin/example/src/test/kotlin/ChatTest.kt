import dev.chatengine.ChatEngine
import dev.chatengine.running
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

class ChatTest {
    @Test
    fun `what is typed is read by the other, and there again the next time`() = runBlocking {
        withTimeout(20.seconds) {
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
}
