// A desk that gets mail: a server of its own with an account of email. The mail server's side is a real Postfix and Dovecot
// where SWITCHBOARD_MAIL_SERVERS names the program that starts them and they are installed; else it is played here.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { until } from "./expect.mjs";

/** The first line that a child prints. */
async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("a program ended before it said anything");
}

const ended = (child) => new Promise((done) => (child.exitCode !== null || child.signalCode ? done() : child.once("exit", done)));

/** Reads lines, and says which bytes it has not used. */
function lines(socket, take) {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk) => {
    rest += chunk;
    for (let at = rest.indexOf("\r\n"); at >= 0; at = rest.indexOf("\r\n")) {
      const line = rest.slice(0, at);
      rest = rest.slice(at + 2);
      take(line);
    }
  });
  socket.on("error", () => {});
}

/** A relay that takes everything but mail to `gone@` and `lost@`. */
async function relay(taken) {
  const server = createServer((socket) => {
    let mail = null;
    let to = [];
    const say = (words) => socket.write(`${words}\r\n`);
    say("220 relay.test ESMTP");
    lines(socket, (line) => {
      if (mail !== null && line !== ".") mail.push(line.replace(/^\.\./, "."));
      else if (mail !== null) {
        taken.push({ to, mail: mail.join("\n") });
        mail = null;
        say("250 taken");
      } else if (/^MAIL/i.test(line)) {
        to = [];
        say("250 fine");
      } else if (/^RCPT TO:<(gone|lost)@/i.test(line)) say("550 5.1.1 no such user");
      else if (/^RCPT/i.test(line)) {
        to.push(line.match(/<(.*?)>/)?.[1] ?? "");
        say("250 fine");
      } else if (/^DATA/i.test(line)) {
        mail = [];
        say("354 go on");
      } else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
      else say("250 fine");
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

/** A port that nobody listens on just now. */
async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** A mail as it goes over the wire. */
export const wire = (mail) => mail.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..");

/** Speaks with a mail server: says each line when the one before was answered, and returns the last answer. */
export function talk(port, words) {
  return new Promise((done, fail) => {
    const socket = connect(port, "127.0.0.1");
    let last = "";
    const left = [...words];
    socket.on("error", fail);
    socket.on("close", () => done(last));
    lines(socket, (line) => {
      if (line[3] === "-") return;
      last = line;
      if (left.length) socket.write(`${left.shift()}\r\n`);
      else socket.end();
    });
  });
}

export class Post {
  /** What went out, as the relay or the other mailbox has it. */
  taken = [];

  /** Where the server and the mail servers keep their things. */
  folder = mkdtempSync(join(tmpdir(), "switchboard-mail-"));

  data = join(this.folder, "data");

  static async open(world) {
    const post = new Post();
    try {
      await post.start(world);
    } catch (error) {
      await post.close();
      throw error;
    }
    return post;
  }

  async start(world) {
    if (!process.env.SWITCHBOARD_BIN) throw new Error("SWITCHBOARD_BIN is not set: name the server's program");
    await this.serve({});
    this.server.kill("SIGKILL");
    await ended(this.server);
    const listed = execFileSync(process.env.SWITCHBOARD_BIN, ["workspace", "list", "--data", this.data], { encoding: "utf8" });
    const workspace = listed.match(/wsp_[0-9a-z]{26}/)?.[0];
    if (!workspace) throw new Error(`no workspace is listed: ${listed}`);
    this.lmtp = await freePort();
    const listener = { SWITCHBOARD__MAIL_LISTENER__LISTEN: `127.0.0.1:${this.lmtp}` };
    const account = (way) =>
      `[{ workspace = "${workspace}", address = "support@hub.test", name = "Support", signature = "Harbour & Pine", ` +
      `own_server = "mx.hub.test", acknowledge = false, ${way} }]`;
    this.real = await this.servers();
    if (this.real) {
      const password = join(this.folder, "password");
      writeFileSync(password, "secret\n");
      const at = (port) =>
        `host = "localhost", port = ${port}, security = "starttls", ca = "${this.real.ca}", user = "support@hub.test", password_file = "${password}"`;
      const way = `imap = { history = true, server = { ${at(this.real.imap)} } }, relay = { ${at(this.real.submission)} }`;
      this.links = await this.serve({ ...listener, SWITCHBOARD__EMAIL: account(way) });
    } else {
      this.relay = await relay(this.taken);
      const way = `relay = { host = "127.0.0.1", port = ${this.relay.address().port}, security = "plain" }`;
      this.links = await this.serve({ ...listener, SWITCHBOARD__EMAIL: account(way) });
    }
    this.world = world.elsewhere({ ...this.links, home: new URL("/", this.links.console).href });
  }

  async serve(more) {
    this.server = spawn(
      process.env.SWITCHBOARD_BIN,
      ["demo", "--quiet-demo", "--json", "--listen", "127.0.0.1:0", "--data", this.data],
      { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...more } },
    );
    return JSON.parse(await firstLine(this.server));
  }

  /** Real mail servers; nothing where they cannot be started. They end when they are told nothing more. */
  async servers() {
    const program = process.env.SWITCHBOARD_MAIL_SERVERS;
    if (!program || !existsSync(program)) return null;
    this.mailServers = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    const line = await firstLine(this.mailServers).catch(() => "null");
    return JSON.parse(line);
  }

  /** An address that mail of ours comes back from. */
  get gone() {
    return this.real ? "gone@bounce.test" : "gone@shop.test";
  }

  /** Another one, so that no story finds it marked already. */
  get lost() {
    return this.real ? "lost@bounce.test" : "lost@shop.test";
  }

  /** A mail comes in: from the internet where the servers are real, else as our mail server hands it over. */
  async comes(mail, to = "support@hub.test") {
    if (this.real && to === "support@hub.test") {
      const words = ["EHLO mx.shop.test", "MAIL FROM:<bounces@shop.test>", `RCPT TO:<${to}>`, "DATA", `${wire(mail)}\r\n.`];
      const said = await talk(this.real.smtp, words);
      if (!said.startsWith("250")) throw new Error(`the mail server says ${said}`);
      return;
    }
    await this.handedOver(mail, to);
  }

  /** A mail is handed to the server's own listener. */
  async handedOver(mail, to = "support@hub.test") {
    const words = ["LHLO mx.hub.test", "MAIL FROM:<bounces@shop.test>", `RCPT TO:<${to}>`, "DATA", `${wire(mail)}\r\n.`];
    const said = await talk(this.lmtp, words);
    if (!said.startsWith("250")) throw new Error(`the listener says ${said}`);
  }

  /** The mails that went out, once there are so many. */
  async went(count) {
    await until(`${count} mails went out`, () => {
      if (this.real) this.taken = mailbox(this.real.customer);
      return this.taken.length >= count;
    });
    return this.taken;
  }

  async close() {
    this.relay?.close();
    if (this.server && this.server.exitCode === null) {
      this.server.kill("SIGKILL");
      await ended(this.server);
    }
    if (this.mailServers) {
      this.mailServers.stdin.end();
      await ended(this.mailServers);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The mails in a folder in which a mail server keeps one a file. */
function mailbox(folder) {
  const files = ["new", "cur"].map((it) => join(folder, it)).filter(existsSync)
    .flatMap((it) => readdirSync(it).map((name) => join(it, name)));
  return files.sort().map((path) => {
    const mail = readFileSync(path, "utf8");
    return { to: [field(mail, "Delivered-To")], mail };
  });
}

/** A field of a mail. */
export function field(mail, name) {
  const unfolded = mail.replace(/\r?\n[ \t]+/g, " ");
  return unfolded.match(new RegExp(`^${name}: (.*)$`, "im"))?.[1] ?? "";
}
