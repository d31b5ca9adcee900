import { ChatEngine } from 'chat-engine';

/** Opens the chat of an application that knows which jobs are open: about one that is over nobody writes. */
export function openChat(path, isOpen) {
  return ChatEngine.open({
    path,
    permit: async ({ action, room }) => action !== 'send_message' || (await isOpen(room.key)) || { deny: 'the job is over' },
  });
}
