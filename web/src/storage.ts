// The browser's storage where there is one; in a private window, or when it is full, memory that lasts as long as the page.

export interface Store {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
  /** Keys that begin so, in no order. */
  keys(prefix: string): string[];
}

/** Storage that lasts as long as the page. */
export function memoryStore(): Store {
  const map = new Map<string, string>();
  return {
    get: (key) => map.get(key) ?? null,
    set: (key, value) => void map.set(key, value),
    remove: (key) => void map.delete(key),
    keys: (prefix) => [...map.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/** What the browser offers, with memory behind it: a browser that refuses to store costs nothing but the reload. */
export function browserStore(name: "localStorage" | "sessionStorage"): Store {
  const memory = memoryStore();
  let real: Storage | null = null;
  try {
    real = globalThis[name];
    real.getItem("switchboard");
  } catch {
    real = null;
  }
  if (!real) return memory;
  const storage = real;
  return {
    get: (key) => memory.get(key) ?? storage.getItem(key),
    set(key, value) {
      try {
        storage.setItem(key, value);
        memory.remove(key);
      } catch {
        memory.set(key, value);
      }
    },
    remove(key) {
      memory.remove(key);
      storage.removeItem(key);
    },
    keys: (prefix) => {
      const found = new Set(memory.keys(prefix));
      for (let at = 0; at < storage.length; at += 1) {
        const key = storage.key(at);
        if (key?.startsWith(prefix)) found.add(key);
      }
      return [...found];
    },
  };
}
