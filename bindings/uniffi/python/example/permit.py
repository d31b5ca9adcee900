from chat_engine import Attempt, ChatEngine, Verdict


async def open_chat(path, is_open):
    """Opens the chat of an application that knows which jobs are open: about one that is over nobody writes."""

    async def permit(attempt: Attempt):
        if attempt.action == "send_message" and attempt.room and not await is_open(attempt.room.key):
            return Verdict.DENY("the job is over")
        return True

    return await ChatEngine.open(path, permit)
