package dev.chatengine

import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield

// What Kotlin expects of the generated classes.

/** The stable code: the same in every language and on the wire. */
val ChatException.code: ErrorCode get() = failed.code

/** What was wrong and what would be right, for developers. It never repeats what a user wrote. */
val ChatException.reason: String get() = failed.reason

/** Whether the same call can succeed later. */
val ChatException.retryable: Boolean get() = failed.retry == Retry.LATER

/** When to repeat the call, in milliseconds, where that is known. */
val ChatException.retryAfterMs: Long? get() = failed.retryAfterMs

/** Which field and which limit it was about. */
val ChatException.details: ErrorDetails get() = failed.details

private val ChatException.failed: ChatException.Failed get() = when (this) { is ChatException.Failed -> this }

/** Runs [block] with the engine, and shuts it down afterwards: what was accepted is finished, the file let go of. */
suspend fun <T> ChatEngine.running(block: suspend (ChatEngine) -> T): T =
    use {
        try {
            block(it)
        } finally {
            withContext(NonCancellable) { it.shutDown() }
        }
    }

/**
 * The events of [rooms], ids or keys, from now on, and what concerns the user. Collecting opens the rooms, and leaving
 * closes them; one that is not there fails with [ErrorCode.NOT_FOUND].
 * Only what is collected is taken: who falls behind gets [Event.Resync], and subscribes again with the last cursor.
 */
fun Session.follow(vararg rooms: String): Flow<Event> = flow {
    events().use { events ->
        try {
            val opened = events.subscribe(rooms.map { OpenRoom(it) })
            // Nobody hears the answers, and nothing would ever come.
            if (opened.any { it.gone }) {
                throw ChatException.Failed(ErrorCode.NOT_FOUND, "room not found", Retry.NEVER, null, ErrorDetails(null, null, null))
            }
            emitAll(events.asFlow())
        } finally {
            events.stop()
        }
    }
}

/** The next event; nothing at the end. Giving up waiting loses nothing: what is taken is taken without waiting. */
suspend fun Events.next(): Event? {
    yield()
    while (true) {
        take()?.let { return it }
        if (!ready()) return null
    }
}

/** The next frames to send, in order; nothing at the end. Giving up waiting loses nothing. */
suspend fun Connection.nextFrames(): List<String>? {
    yield()
    while (true) {
        take()?.let { return it }
        if (!ready()) return null
    }
}

/** Takes a binary frame from the peer, which is answered with an error. */
fun Connection.receive(frame: ByteArray) = receiveBinary(frame)

/** The events of a subscriber whose rooms are opened by hand, with cursors. Collect it once at a time. */
fun Events.asFlow(): Flow<Event> = flow {
    while (true) emit(next() ?: break)
}

/** The frames to send, pulled: while a slow socket takes one, no others are made. */
fun Connection.frames(): Flow<String> = flow {
    while (true) (nextFrames() ?: break).forEach { emit(it) }
}

/**
 * A permission hook for [ChatEngine.open]: [permit] is asked in [scope] before each command of a user; not for those of the
 * host, nor for reading and typing. It only forbids: what the engine's own rules refuse stays refused. Without an answer,
 * because it throws, its scope is gone or it takes over 2 s, the command fails with `busy`. What it throws does not end the
 * scope: it goes to its [CoroutineExceptionHandler], or else is printed.
 */
fun permission(scope: CoroutineScope, permit: suspend (Attempt) -> Verdict): PermissionHook = object : PermissionHook {
    override fun ask(question: Question) {
        val answering = scope.launch {
            val verdict = try {
                permit(question.attempt())
            } catch (given: CancellationException) {
                throw given
            } catch (failed: Throwable) {
                val handler = coroutineContext[CoroutineExceptionHandler]
                handler?.handleException(coroutineContext, failed) ?: failed.printStackTrace()
                null
            }
            question.answer(verdict)
        }
        // A question that is closed unanswered is a no for now; also where its coroutine never began.
        answering.invokeOnCompletion { question.close() }
    }
}
