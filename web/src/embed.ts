// The script that a company puts on its pages: a round button, and the chat in an iframe once it is opened.
// It sends nothing before that. Attributes of the script tag: data-key, -language, -topics, -name, -identity, -label.
const script = document.querySelector<HTMLScriptElement>("script[data-key]");
if (script instanceof HTMLScriptElement && script.dataset.key) {
  const home = new URL(script.src).origin;
  const { key, language, topics, name, identity, label } = script.dataset;
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    button{position:fixed;inset-inline-end:20px;bottom:20px;width:56px;height:56px;border-radius:50%;border:0;cursor:pointer;background:#0b6e6a;color:#fff;box-shadow:0 4px 16px rgb(0 0 0/25%);z-index:2147483000;font:650 22px system-ui}
    button:focus-visible{outline:3px solid #16201f;outline-offset:2px}
    span{position:absolute;inset-inline-end:-2px;top:-2px;min-width:20px;height:20px;border-radius:10px;background:#a3182b;font:650 12px/20px system-ui;padding:0 4px;box-sizing:border-box}
    span:empty{display:none}
    iframe{position:fixed;inset-inline-end:20px;bottom:88px;width:380px;height:min(600px,calc(100vh - 108px));border:0;border-radius:12px;box-shadow:0 12px 40px rgb(0 0 0/28%);z-index:2147483000;background:Canvas}
    iframe[hidden]{display:none}
    @media(max-width:480px){iframe{inset:0;width:100%;height:calc(100% - 80px);border-radius:0}}`);
  root.adoptedStyleSheets = [sheet];
  const button = document.createElement("button");
  const text = label ?? "Chat";
  button.setAttribute("aria-label", text);
  button.setAttribute("aria-expanded", "false");
  button.textContent = "💬︎";
  const badge = document.createElement("span");
  button.append(badge);
  root.append(button);
  document.body.append(host);
  let frame: HTMLIFrameElement | undefined;
  const show = (open: boolean) => {
    if (!frame) {
      const query = new URLSearchParams();
      Object.entries({ key, language: language ?? document.documentElement.lang, topics, name, identity }).forEach(
        ([field, value]) => value && query.set(field, value),
      );
      frame = document.createElement("iframe");
      frame.title = text;
      frame.src = `${home}/widget/?${query}`;
      root.append(frame);
    }
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      badge.textContent = "";
      frame.focus();
    } else button.focus();
  };
  button.addEventListener("click", () => show(!frame || Boolean(frame.hidden)));
  addEventListener("message", (event) => {
    if (event.origin !== home || event.source !== frame?.contentWindow) return;
    if (event.data === "switchboard:close") show(false);
    if (event.data === "switchboard:unread" && frame?.hidden) badge.textContent = String(Number(badge.textContent) + 1);
  });
}
