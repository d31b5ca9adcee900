import dev.chatengine.*
import kotlinx.coroutines.CoroutineScope

/** Opens the chat of an application that knows which jobs are open: about one that is over nobody writes. */
suspend fun openChat(path: String, scope: CoroutineScope, isOpen: suspend (String?) -> Boolean): ChatEngine {
    val permit = permission(scope) { attempt ->
        val allowed = attempt.action != "send_message" || isOpen(attempt.room?.key)
        if (allowed) Verdict.Allow else Verdict.Deny("the job is over")
    }
    return ChatEngine.open(path, permit)
}
