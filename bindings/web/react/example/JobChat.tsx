import { WebSocketProvider } from "@chat-engine/react";
import { ChatRoom } from "@chat-engine/react/components";
import "@chat-engine/react/styles.css";

const token = async () => {
  const answer = await fetch("/chat-token"); // your back end signs it for who is logged in
  if (!answer.ok) throw new Error(`/chat-token answered ${answer.status}`); // asked again later
  return answer.text();
};

export function JobChat({ jobId }: { jobId: number }) {
  return (
    <WebSocketProvider url="wss://chat.example.com/ws/" token={token}>
      <ChatRoom roomId={jobId} />
    </WebSocketProvider>
  );
}
