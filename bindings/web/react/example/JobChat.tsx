import { WebSocketProvider } from "@chat-engine/react";
import { ChatRoom } from "@chat-engine/react/components";
import "@chat-engine/react/styles.css";

const token = async () => (await fetch("/chat-token")).text(); // your back end signs it for who is logged in

export function JobChat({ jobId }: { jobId: number }) {
  return (
    <WebSocketProvider url="wss://chat.example.com/ws/" token={token}>
      <ChatRoom roomId={jobId} />
    </WebSocketProvider>
  );
}
