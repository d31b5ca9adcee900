// Compiles only while the declarations say what a user relies on; it is never run.

import { ChatEngine, ChatError, type Event, type Message } from '../index.mjs';

const engine: ChatEngine = await ChatEngine.open({ memory: true });
// @ts-expect-error an engine is opened, not made
new ChatEngine();
// @ts-expect-error where to keep the data must be said
await ChatEngine.open({});

await engine.serve({ jwtSecret: 'x'.repeat(32) });
await engine.serve({ authenticate: async (token) => token || null });
// @ts-expect-error users log in one way or the other
await engine.serve({ jwtSecret: 'x'.repeat(32), authenticate: () => 'ann' });
// @ts-expect-error a login must be said
await engine.serve({ port: 8080 });

const session = engine.session('ann');
{
  using events = session.events();
  void events.subscribe;
}
const { message, duplicate } = await session.send('job:42', { content: 'hi', client_id: 'm-1' });
const sender: string | null = message.sender;
const content: string | undefined = message.content;
const seen: boolean = duplicate;
await session.updateRoom('job:42', { name: null }, { signal: AbortSignal.timeout(1) });
// @ts-expect-error a content is text
await session.send('job:42', { content: 5 });
// @ts-expect-error no such role
await session.addParticipant('job:42', { user_id: 'ben', role: 'boss' });

function text(event: Event): string | undefined {
  switch (event.type) {
    case 'chat_message':
      return event.message.content;
    case 'resync':
      return event.reason satisfies 'too_slow' | 'gap';
    default:
      // @ts-expect-error not every event has a message
      return event.message;
  }
}

for await (const event of session.events({ rooms: ['job:42'] })) text(event);
// @ts-expect-error with a cursor `subscribe` says what was missed
session.events({ rooms: [{ room: 'job:42', cursor: 'x' }] });
for await (const frame of engine.connection('ann').frames()) frame satisfies string;

try {
  const page = await session.history('job:42', { before: 7 });
  const last: Message | undefined = page.results.at(-1);
  if (page.next) await session.history('job:42', { before: Number(page.next) });
  const blur: unknown = last?.attachments?.[0]?.['blur'];
  await session.send('job:42', { attachments: [{ name: 'a', content_type: 'image/png', size: 1, url: '/a', blur: 'x' }] });
  console.log(last, sender, content, seen, blur);
} catch (error) {
  if (error instanceof ChatError && error.code === 'not_found') console.log(error.retryable, error.details.limit);
}

await ChatEngine.open({
  memory: true,
  permit: async ({ user, command, room }) => {
    if (command.action === 'send_message') return (command.content ?? '').length < 100 || { deny: 'too long' };
    if (command.action === 'mark') return command.kind satisfies 'delivered' | 'read' | 'unread' ? true : false;
    return room?.key !== `job:${user}`;
  },
});
// @ts-expect-error a verdict is yes, or no with a reason
await ChatEngine.open({ memory: true, permit: () => 'yes' });
