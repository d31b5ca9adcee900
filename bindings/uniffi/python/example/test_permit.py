import asyncio

import pytest
from chat_engine import AddParticipant, ChatError, CreateRoom, ErrorCode, SendMessage
from permit import open_chat


def test_nobody_writes_about_a_job_that_is_over(tmp_path):
    async def is_open(job):
        return job == "job:42"

    async def main():
        async with await open_chat(str(tmp_path / "chat.db"), is_open) as engine:
            for key in ["job:42", "job:7"]:
                await engine.host().create_room(CreateRoom(key=key, participants=[AddParticipant(user_id="ann")]))
            ann = engine.session("ann")
            assert (await ann.send("job:42", SendMessage(content="On my way"))).message.seq == 1
            with pytest.raises(ChatError, match="not allowed: the job is over") as refused:
                await ann.send("job:7", SendMessage(content="On my way"))
            assert refused.value.code == ErrorCode.FORBIDDEN

    asyncio.run(main())
