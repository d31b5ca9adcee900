"use client";
/** Components for the chat engine. They need the style sheet `@chat-engine/react/styles.css`. */

export { Avatar, type AvatarProps } from "./Avatar.js";
export { ChatRoom, type ChatRoomProps } from "./ChatRoom.js";
export { ChatRoomList, type ChatRoomListProps } from "./ChatRoomList.js";
export { ChatRoomView, type ChatRoomViewProps, type RoomLook } from "./ChatRoomView.js";
export { linkify, type Part } from "./linkify.js";
export { english, german, type Texts } from "./texts.js";
export { UnreadBadge, type UnreadBadgeProps } from "./UnreadBadge.js";
