// The one script that a company puts into its pages: a round button, and on the first click the chat in a frame of its own.
//
//   <script src="https://chat.example/embed.js" data-key="wgt_..." async></script>
//
// Attributes: data-key, data-language, data-topics, data-name, data-identity, data-accent. Nothing is sent before the click.

(() => {
  const script = document.currentScript as HTMLScriptElement | null;
  const key = script?.dataset.key;
  if (!script || !key) return;
  const { language, topics, name, identity, accent } = script.dataset;
  const rtl = getComputedStyle(document.documentElement).direction === "rtl";
  const phone = matchMedia("(max-width: 480px)");
  const words: Record<string, [string, string]> = {
    en: ["Open the chat", "new"],
    de: ["Chat öffnen", "neu"],
    fr: ["Ouvrir le chat", "nouveaux"],
    es: ["Abrir el chat", "nuevos"],
    pt: ["Abrir o chat", "novas"],
    ar: ["فتح المحادثة", "جديدة"],
    zh: ["打开对话", "条新消息"],
  };
  const tongue = (language || document.documentElement.lang || navigator.language).slice(0, 2);
  const [label, fresh] = words[tongue] ?? (words.en as [string, string]);

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  // A sheet made by script, so that a page which forbids inline styles needs no exception.
  sheet.replaceSync(`:host{all:initial;position:fixed;z-index:2147483000;bottom:20px;${rtl ? "left" : "right"}:20px;color-scheme:light dark}
button{position:relative;width:56px;height:56px;border:0;border-radius:50%;background:#0b6e69;color:#fff;cursor:pointer;box-shadow:0 4px 16px rgb(0 0 0/28%);display:grid;place-items:center}
button:focus-visible{outline:3px solid #0b6e69;outline-offset:3px;box-shadow:0 0 0 3px #fff}
b{position:absolute;top:-4px;inset-inline-end:-4px;min-width:22px;height:22px;padding:0 5px;box-sizing:border-box;border-radius:11px;background:#a01727;color:#fff;font:650 12px/22px system-ui,sans-serif}
iframe{position:absolute;bottom:72px;${rtl ? "left" : "right"}:0;width:380px;height:min(600px,calc(100vh - 112px));border:0;border-radius:12px;box-shadow:0 12px 40px rgb(0 0 0/30%);animation:a .12s ease-out}
[hidden]{display:none!important}
@keyframes a{from{opacity:0;transform:translateY(8px)}}
@media(prefers-reduced-motion:reduce){iframe{animation:none}}
@media(max-width:480px){iframe{position:fixed;inset:0;width:100%;height:100%;border-radius:0}}`);
  root.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML =
    '<svg width="26" height="26" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" aria-hidden="true"><path d="M21 12a8 8 0 0 1-11.6 7.1L4 20l1.1-4.6A8 8 0 1 1 21 12Z"/></svg><b hidden></b>';
  const badge = button.lastElementChild as HTMLElement;
  let frame: HTMLIFrameElement | undefined;
  let open = false;

  const say = () => {
    button.setAttribute("aria-label", badge.hidden ? label : `${label} (${badge.textContent} ${fresh})`);
    button.setAttribute("aria-expanded", String(open));
  };
  const tell = () => frame?.contentWindow?.postMessage({ switchboard: "shown", open }, frame.src);
  const show = (next: boolean) => {
    open = next;
    if (open && !frame) {
      const told = new URLSearchParams();
      for (const [field, value] of Object.entries({ language, topics, name, identity, accent })) {
        if (value) told.set(field, value);
      }
      frame = document.createElement("iframe");
      frame.title = "Chat";
      frame.src = `${new URL(`/widget/?key=${encodeURIComponent(key)}`, script.src)}#${told}`;
      frame.onload = () => {
        tell();
        if (open) frame?.focus();
      };
      root.append(frame);
    }
    if (!frame) return;
    frame.hidden = !open;
    button.hidden = open && phone.matches;
    tell();
    say();
    if (open) frame.focus();
    else button.focus();
  };

  button.onclick = () => show(!open);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) show(false);
  });
  addEventListener("message", ({ source, origin, data }) => {
    if (!frame || source !== frame.contentWindow || origin !== new URL(script.src).origin) return;
    if (data?.switchboard === "close") show(false);
    if (data?.switchboard === "unread") {
      badge.hidden = !data.count;
      badge.textContent = data.count > 9 ? "9+" : String(data.count);
      say();
    }
  });
  const parts = accent && /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(accent);
  if (parts) {
    const [red, green, blue] = parts.slice(1).map((part) => Number.parseInt(part, 16)) as [number, number, number];
    button.style.background = accent;
    if (red * 0.3 + green * 0.6 + blue * 0.1 > 128) button.style.color = "#000";
  }
  say();
  root.append(button);
  document.body.append(host);
})();
