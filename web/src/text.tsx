// A message's text as it was written: lines kept, addresses of the web made links, nothing else interpreted.

const LINK = /https?:\/\/[^\s<>"']{3,500}/g;

export function Text({ text }: { text: string }) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const url = found[0].replace(/[.,;:!?)\]]+$/, "");
    parts.push(
      text.slice(at, found.index),
      <a key={found.index} href={url} target="_blank" rel="noopener noreferrer nofollow">
        {url}
      </a>,
    );
    at = found.index + url.length;
  }
  parts.push(text.slice(at));
  return <>{parts}</>;
}
