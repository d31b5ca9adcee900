import { useChatRooms } from "@chat-engine/react";
import { ChatRoomList } from "@chat-engine/react/components";
import { useNavigate } from "react-router";

/** All my chats, beside the one that is open; where there is no room for it, the dashboard is the list. */
export function ChatSidebar({ open }: { open: number }) {
  const navigate = useNavigate();
  const { rooms } = useChatRooms();
  return (
    <aside className="chat-sidebar">
      <h2>Chats</h2>
      <ChatRoomList
        selected={rooms.find(({ key }) => key === `job:${open}`)?.roomId}
        onSelect={({ key }) => navigate(`/jobs/${key?.replace("job:", "")}/chat`)}
      />
    </aside>
  );
}
