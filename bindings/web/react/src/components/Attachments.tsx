/** The files of a message. */

import type { Attachment } from "@chat-engine/client";
import { safeUrl } from "./safe-url.js";

export function Attachments({ files }: { readonly files: readonly Attachment[] }) {
  return (
    <div className="ce-files">
      {files.map((file) => (
        <File key={`${file.url} ${file.name}`} file={file} />
      ))}
    </div>
  );
}

function File({ file }: { readonly file: Attachment }) {
  const url = safeUrl(file.url);
  if (url && file.content_type.startsWith("image/")) {
    return (
      <a className="ce-picture" href={url} target="_blank" rel="noopener noreferrer">
        <img
          src={url}
          alt={file.name}
          width={file.width}
          height={file.height}
          loading="lazy"
          referrerPolicy="no-referrer"
        />
      </a>
    );
  }
  const shown = (
    <>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path d="M11.5 2.5H6A1.5 1.5 0 0 0 4.5 4v12A1.5 1.5 0 0 0 6 17.5h8a1.5 1.5 0 0 0 1.5-1.5V6.5l-4-4Zm0 0v4h4" />
      </svg>
      <span className="ce-file-name">{file.name}</span>
      <span className="ce-file-size">{sizeOf(file.size)}</span>
    </>
  );
  if (!url) return <span className="ce-file">{shown}</span>;
  return (
    <a className="ce-file" href={url} target="_blank" rel="noopener noreferrer" download={file.name}>
      {shown}
    </a>
  );
}

function sizeOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
