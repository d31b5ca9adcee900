import com.google.gson.JsonArray
import com.google.gson.JsonElement
import com.google.gson.JsonNull
import com.google.gson.JsonObject
import com.google.gson.JsonParser
import com.google.gson.JsonPrimitive
import dev.chatengine.*
import java.io.File
import java.time.Instant
import java.time.format.DateTimeFormatterBuilder
import kotlin.reflect.KClass
import kotlin.reflect.KType
import kotlin.reflect.full.callSuspendBy
import kotlin.reflect.full.declaredMemberProperties
import kotlin.reflect.full.memberFunctions
import kotlin.reflect.full.primaryConstructor
import kotlin.reflect.full.valueParameters
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** The story that every language plays, through the public API. */
class StoryTest {
    private val steps = JsonParser.parseString(File("../../scenario.json").readText()).asJsonObject["steps"].asJsonArray
    private val saved = mutableMapOf<String, JsonElement>()
    private val told = mutableMapOf<String, Events>()

    @Test
    fun `the story`() = runBlocking {
        ChatEngine.inMemory().running { engine ->
            steps.forEachIndexed { n, step -> play(engine, step.asJsonObject, "step ${n + 1}: ${step.toString().take(120)}") }
        }
    }

    private suspend fun play(engine: ChatEngine, step: JsonObject, where: String) {
        val name = step["as"].asString
        val actor = if (name == "host") engine.host() else engine.session(name)
        if (step.has("follow")) {
            val events = actor.events()
            val opened = events.subscribe(meant(step["follow"]).asJsonArray.map { OpenRoom(it.asString) })
            opened.forEach { assertNotNull(it.snapshot, where) }
            told[name] = events
        } else if (step.has("event")) {
            val wanted = step["event"].asJsonObject
            val type = camel(wanted["type"].asString).replaceFirstChar(Char::uppercase)
            val event = withTimeout(60.seconds) { told.getValue(name).asFlow().first { it::class.simpleName == type } }
            val said = shown(event).asJsonObject.apply { add("type", wanted["type"]) }
            contains(said, meant(wanted), where)
        } else {
            val error = step["error"]?.asJsonObject
            if (error != null) {
                val failed = assertFailsWith<ChatException>(where) { call(actor, step) }
                assertEquals(error["code"].asString.uppercase(), failed.code.name, "$where: $failed")
                val details = error.deepCopy().apply { remove("code") }
                contains(shown(failed.details), details, where)
            } else {
                val answer = shown(call(actor, step))
                contains(answer, meant(step["ok"]), where)
                step["save"]?.asJsonObject?.entrySet()?.forEach { (name, path) ->
                    saved[name] = path.asString.split('.').fold(answer) { part, key -> part.asJsonObject[camel(key)] }
                }
            }
        }
    }

    private suspend fun call(actor: Session, step: JsonObject): Any? {
        val method = Session::class.memberFunctions.first { it.name == camel(step["call"].asString) }
        val args = meant(step["args"]).asJsonArray.mapIndexed { n, arg ->
            method.valueParameters[n].let { it to value(it.type, arg) }
        }
        try {
            return method.callSuspendBy(mapOf(method.parameters.first() to actor) + args)
        } catch (thrown: java.lang.reflect.InvocationTargetException) {
            throw thrown.targetException
        }
    }

    /** A step's values with what was saved, and long texts at their length. */
    private fun meant(value: JsonElement): JsonElement = when {
        value is JsonPrimitive && value.isString && value.asString.startsWith("$") -> saved.getValue(value.asString.drop(1))
        value is JsonArray -> JsonArray().apply { value.forEach { add(meant(it)) } }
        value is JsonObject && value.has("\$repeat") ->
            value["\$repeat"].asJsonArray.let { JsonPrimitive(it[0].asString.repeat(it[1].asInt)) }
        value is JsonObject -> JsonObject().apply { value.entrySet().forEach { (key, part) -> add(key, meant(part)) } }
        else -> value
    }

    /** An argument from the story's JSON. */
    private fun value(type: KType, json: JsonElement): Any? {
        val kind = type.classifier as KClass<*>
        return when {
            json is JsonNull -> null
            kind == String::class -> if (json is JsonPrimitive) json.asString else json.toString()
            kind == Long::class -> json.asLong
            kind == Boolean::class -> json.asBoolean
            kind == Instant::class -> Instant.parse(json.asString)
            kind == List::class -> json.asJsonArray.map { value(type.arguments.single().type!!, it) }
            kind.java.isEnum -> constant(kind, json.asString)
            else -> record(kind, json.asJsonObject)
        }
    }

    private fun constant(kind: KClass<*>, name: String) =
        kind.java.enumConstants.first { (it as Enum<*>).name == name.uppercase() }

    /** A record from the story's JSON; `null` is said by `clear`, and what it does not know goes into `more`. */
    private fun record(kind: KClass<*>, json: JsonObject): Any {
        val make = kind.primaryConstructor!!
        val known = make.parameters.associateBy { it.name!! }
        val said = json.entrySet().filter { (key, part) -> part !is JsonNull && camel(key) in known }
            .associate { (key, part) -> known.getValue(camel(key)).let { it to value(it.type, part) } }.toMutableMap()
        val cleared = json.entrySet().filter { (_, part) -> part is JsonNull }.map { (key, _) -> Field.valueOf(key.uppercase()) }
        if (cleared.isNotEmpty()) said[known.getValue("clear")] = cleared
        val more = json.entrySet().filter { (key, _) -> camel(key) !in known }
        if (more.isNotEmpty()) {
            said[known.getValue("more")] = JsonObject().apply { more.forEach { (key, part) -> add(key, part) } }.toString()
        }
        return make.callBy(said)
    }

    /** What the engine answered, as JSON with Kotlin's names. */
    private fun shown(value: Any?): JsonElement = when (value) {
        null, Unit -> JsonNull.INSTANCE
        is String -> JsonPrimitive(value)
        is Boolean -> JsonPrimitive(value)
        is Number -> JsonPrimitive(value)
        is Enum<*> -> JsonPrimitive(value.name.lowercase())
        is Instant -> JsonPrimitive(MILLIS.format(value))
        is List<*> -> JsonArray().apply { value.forEach { add(shown(it)) } }
        else -> JsonObject().apply {
            value::class.declaredMemberProperties.forEach { add(it.name, shown(it.getter.call(value))) }
            val more = remove("more")
            if (more is JsonPrimitive) parsed(more).asJsonObject.entrySet().forEach { (key, part) -> add(key, part) }
        }
    }

    /** Everything that is expected is there; `null` stands for what is absent too. */
    private fun contains(actual: JsonElement?, expected: JsonElement, where: String) {
        when (expected) {
            is JsonArray -> {
                val list = assertNotNull(actual as? JsonArray, where)
                assertEquals(expected.size(), list.size(), where)
                expected.forEachIndexed { n, part -> contains(list[n], part, where) }
            }
            is JsonObject -> expected.entrySet().forEach { (key, part) ->
                val there = if (actual is JsonPrimitive) parsed(actual) else actual
                val fields = there as? JsonObject
                contains(fields?.get(camel(key)) ?: fields?.get(key), part, "$where .$key")
            }
            is JsonNull -> assertEquals(JsonNull.INSTANCE, actual ?: JsonNull.INSTANCE, where)
            else -> assertEquals(expected, actual, where)
        }
    }

    /** Free JSON is its text here. */
    private fun parsed(text: JsonElement) = JsonParser.parseString(text.asString)

    private fun camel(name: String) = name.split('_').reduce { all, word -> all + word.replaceFirstChar(Char::uppercase) }

    private companion object {
        val MILLIS = DateTimeFormatterBuilder().appendInstant(3).toFormatter()!!
    }
}
