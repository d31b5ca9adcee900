import { ChatEngine } from 'chat-engine';

const engine = await ChatEngine.open({ path: 'chat.db' });
const room = await engine.host().createRoom({ key: 'job:42', participants: ['ann', 'ben'] });

const alive = setInterval(() => {}, 1_000); // whoever waits for events keeps no process alive; a server does
const events = engine.session('ben').events();
await events.subscribe(room.id);
await engine.session('ann').send(room.id, { content: 'On my way' }); // on the disk when it resolves
for await (const event of events) {
  if (event.type !== 'chat_message') continue;
  console.log(`${event.message.sender}: ${event.message.content}`);
  break;
}
console.log(`${await engine.session('ben').unread()} unread`);
await engine.close();
clearInterval(alive);
