import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS

/**
 * Opening and closing, and many events, leave memory flat. CHAT_MEMORY_ROUNDS and CHAT_MEMORY_EVENTS make it longer.
 */
@EnabledOnOs(OS.LINUX, disabledReason = "reads /proc")
class MemoryTest {
    /** The MiB that a program of its own has grown by, between its warming up and its end. */
    private fun grown(what: String, count: Int, vararg args: String): Double {
        val java = File(System.getProperty("java.home"), "bin/java").path
        // A heap that is all there from the start: what grows is not Java's own.
        val heap = listOf("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC")
        val words = listOf("-cp", System.getProperty("java.class.path"), "SteadyKt", what, "$count") + args
        val output = File.createTempFile("chat-engine", ".txt")
        val program = ProcessBuilder(listOf(java) + heap + words).redirectErrorStream(true).redirectOutput(output).start()
        val ended = program.waitFor(300L + count / 10, TimeUnit.SECONDS)
        if (!ended) program.destroyForcibly()
        val said = output.readText()
        output.delete()
        assertTrue(ended, "it did not end; it said: $said")
        assertEquals(0, program.exitValue(), said)
        val (before, after) = said.trim().lines().map { it.toInt() / 1024.0 }
        println("%s, %d times: %.1f MiB before, %.1f after".format(what, count, before, after))
        return after - before
    }

    private fun count(variable: String, short: Int) = System.getenv(variable)?.toInt() ?: short

    @Test
    fun `opening and closing leaves memory flat`() {
        val folder = Files.createTempDirectory("chat-engine").toFile()
        val rounds = count("CHAT_MEMORY_ROUNDS", 300)
        assertTrue(grown("rounds", rounds, File(folder, "chat.db").path) < ROOM_TO_GROW)
        assertTrue(folder.deleteRecursively())
    }

    @Test
    fun `many events leave memory flat`() {
        assertTrue(grown("events", count("CHAT_MEMORY_EVENTS", 20_000)) < ROOM_TO_GROW)
    }

    private companion object {
        /** In MiB: the compiled code and metadata of Java go on growing for a while. What is lost each time would go on for ever. */
        const val ROOM_TO_GROW = 48.0
    }
}
