import dev.chatengine.*
import kotlin.io.path.createTempDirectory
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

class PermitTest {
    @Test
    fun `nobody writes about a job that is over`() = runBlocking {
        withTimeout(120.seconds) {
            val path = createTempDirectory().resolve("chat.db").toString()
            openChat(path, CoroutineScope(Dispatchers.Default)) { it == "job:42" }.running { engine ->
                for (key in listOf("job:42", "job:7")) {
                    engine.host().createRoom(CreateRoom(key = key, participants = listOf(AddParticipant("ann"))))
                }
                val ann = engine.session("ann")
                assertEquals(1, ann.send("job:42", SendMessage("On my way")).message.seq)
                val refused = assertFailsWith<ChatException> { ann.send("job:7", SendMessage("On my way")) }
                assertEquals(ErrorCode.FORBIDDEN to "not allowed: the job is over", refused.code to refused.reason)
            }
        }
    }
}
