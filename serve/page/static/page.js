"use strict";
const $ = (id) => document.getElementById(id);
const worker = new Worker("worker.js");
let next = 1;
const waiting = new Map();
worker.onmessage = (m) => {
  const { id, result } = m.data;
  if (id === 0) { fail(new Error(result.error)); return; }
  const w = waiting.get(id);
  waiting.delete(id);
  if (result.error) w.reject(new Error(result.error)); else w.resolve(result);
};
worker.onerror = () => fail(new Error("the client stopped"));

function client(call, bytes) {
  return new Promise((resolve, reject) => {
    const id = next++;
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, call, bytes });
  });
}

function say(text) { $("status").textContent = text; }
function fail(e) { $("error").textContent = e.message; $("error").hidden = false; say(""); }
function calm() { $("error").hidden = true; }

let token = "";
async function request(method, path, body, headers) {
  const h = Object.assign({}, headers);
  if (body) h["Content-Type"] = "application/octet-stream";
  if (token) h["Authorization"] = "Bearer " + token;
  const a = await fetch(path, { method, body, headers: h, cache: "no-store", keepalive: method === "DELETE" });
  if (a.status >= 400) {
    let text = "the server answers " + a.status;
    try { const p = await a.json(); text += ": " + p.title + ", " + p.detail; } catch (_) { /* the status says enough */ }
    const e = new Error(text);
    e.status = a.status;
    throw e;
  }
  return a;
}

function bytes(n) {
  if (n < 1024) return n + " B";
  if (n < 1048576) return (n / 1024).toFixed(1) + " KiB";
  return (n / 1048576).toFixed(1) + " MiB";
}
function time(ms) { return ms < 1000 ? ms.toFixed(0) + " ms" : (ms / 1000).toFixed(1) + " s"; }
function step(what, where, n, ms) {
  const row = $("steps").insertRow();
  for (const text of [what, where, n === null ? "" : bytes(n), ms === null ? "" : time(ms)]) row.insertCell().textContent = text;
  $("story").hidden = false;
}

let model, half;

async function begin() {
  calm();
  let all;
  try {
    all = (await (await request("GET", "/v2/models")).json()).models;
  } catch (e) {
    if (e.status === 401) { $("access").hidden = false; say("This service asks for a token."); return; }
    throw e;
  }
  $("access").hidden = true;
  for (const m of all) {
    const o = document.createElement("option");
    o.value = o.textContent = m.name;
    $("model").append(o);
  }
  $("choose").hidden = all.length < 2;
  await open();
}

// forget has the server delete the evaluation keys: the secret key ends with the page.
let brought = "";
function forget() {
  if (brought) request("DELETE", "/v1/keys/" + brought).catch(() => { /* they are of no use without the secret key */ });
  brought = "";
}
addEventListener("pagehide", forget);
addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

async function open() {
  calm();
  $("go").disabled = true;
  $("answer").hidden = $("story").hidden = true;
  $("steps").replaceChildren();
  model = $("model").value;
  say("Making keys …");
  let t = performance.now();
  const spec = new Uint8Array(await (await request("GET", "/v2/models/" + encodeURIComponent(model) + "/client")).arrayBuffer());
  step("client half, without weights", "from the server", spec.length, performance.now() - t);
  half = await client("open", spec);
  $("ask").hidden = false;
  $("draw").hidden = half.kind !== "pixels";
  $("write").hidden = half.kind !== "text";
  if (half.kind === "pixels") {
    [$("small").height, $("small").width] = half.shape.slice(-2);
    $("shape").textContent = half.shape.slice(-2).join(" × ") + " pixels";
    clear();
  }
  const keys = await client("keys");
  step("secret key and evaluation keys", "in this page", null, half.milliseconds + keys.milliseconds);
  say("Sending the evaluation keys …");
  t = performance.now();
  forget();
  brought = keys.sha256;
  const size = keys.bytes.length, piece = 8 << 20;
  for (let at = 0; at < size; at += piece) {
    const end = Math.min(size, at + piece);
    await request("PUT", "/v1/keys/" + keys.sha256, keys.bytes.slice(at, end), { "Content-Range": `bytes ${at}-${end - 1}/${size}` });
  }
  step("evaluation keys", "to the server", size, performance.now() - t);
  $("go").disabled = false;
  say(`Ready: ${half.backend}, ${half.security}-bit security.`);
}

async function ask() {
  calm();
  $("go").disabled = true;
  try {
    const sample = half.kind === "text" ? new TextEncoder().encode($("sentence").value) : pixels();
    say("Encrypting …");
    const input = await client("encrypt", sample);
    step("encryption", "in this page", null, input.milliseconds);
    $("bytes").textContent = hex(input.bytes);
    say("The server computes …");
    const size = input.bytes.length, t = performance.now();
    const out = new Uint8Array(await (await request("POST", "/v2/models/" + encodeURIComponent(model) + "/infer", input.bytes)).arrayBuffer());
    step("encrypted sample", "to the server", size, null);
    step("evaluation, and the way there and back", "on the server", null, performance.now() - t);
    step("encrypted answer", "from the server", out.length, null);
    const answer = await client("decrypt", out);
    step("decryption", "in this page", null, answer.milliseconds);
    show(answer);
    say("Done. Ask again, if you like.");
  } catch (e) { fail(e); }
  $("go").disabled = false;
}

function hex(b) {
  let text = "";
  for (let i = 0; i < Math.min(b.length, 512); i++) text += b[i].toString(16).padStart(2, "0") + (i % 24 === 23 ? "\n" : " ");
  return text;
}

function show(answer) {
  $("label").textContent = answer.label + (answer.undecided ? " (undecided: the two best are too close)" : "");
  $("scores").replaceChildren();
  const lo = Math.min(0, ...answer.scores), hi = Math.max(...answer.scores), best = answer.scores.indexOf(hi);
  answer.scores.forEach((x, i) => {
    const li = document.createElement("li");
    if (i === best) li.className = "best";
    const name = document.createElement("span"), bar = document.createElement("span"), fill = document.createElement("span"), n = document.createElement("span");
    name.textContent = half.labels[i] ?? "";
    bar.className = "bar";
    fill.style.width = (hi > lo ? 100 * (x - lo) / (hi - lo) : 0) + "%";
    bar.append(fill);
    n.className = "n";
    n.textContent = x.toPrecision(3);
    li.append(name, bar, n);
    $("scores").append(li);
  });
  $("answer").hidden = false;
  $("answer").scrollIntoView({ block: "nearest" });
}

// Drawing: white on black, as the digits that networks learn from.
const pad = $("pad"), pen = pad.getContext("2d", { willReadFrequently: true });
let down = false, key = { x: 140, y: 140, on: false };
function clear() {
  pen.fillStyle = "#000";
  pen.fillRect(0, 0, pad.width, pad.height);
  $("sentence").value = "";
  preview();
}
function stroke(x0, y0, x1, y1) {
  pen.strokeStyle = "#fff";
  pen.lineWidth = 22;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1 + 0.01, y1);
  pen.stroke();
  preview();
}
let last = null;
function place(e) {
  const r = pad.getBoundingClientRect();
  return [(e.clientX - r.left) * pad.width / r.width, (e.clientY - r.top) * pad.height / r.height];
}
pad.onpointerdown = (e) => { down = true; pad.setPointerCapture(e.pointerId); last = place(e); stroke(...last, ...last); };
pad.onpointermove = (e) => { if (down) { const p = place(e); stroke(...last, ...p); last = p; } };
pad.onpointerup = pad.onpointercancel = () => { down = false; };
pad.onkeydown = (e) => {
  const d = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] }[e.key];
  if (d) {
    const x = Math.min(270, Math.max(10, key.x + d[0])), y = Math.min(270, Math.max(10, key.y + d[1]));
    if (key.on) stroke(key.x, key.y, x, y);
    key.x = x; key.y = y;
  } else if (e.key === " ") {
    key.on = !key.on;
    if (key.on) stroke(key.x, key.y, key.x, key.y);
  } else if (e.key === "Escape") { clear(); } else { return; }
  e.preventDefault();
};

// pixels is the drawing as the network's data is: the strokes scaled to fit five sevenths of
// the picture, their centre of mass in its middle.
function pixels() {
  const [h, w] = half.shape.slice(-2), channels = half.shape.length > 2 ? half.shape[0] : 1;
  const full = pen.getImageData(0, 0, pad.width, pad.height).data;
  let x0 = pad.width, y0 = pad.height, x1 = -1, y1 = -1;
  for (let y = 0; y < pad.height; y++) for (let x = 0; x < pad.width; x++) if (full[4 * (y * pad.width + x)] > 40) {
    x0 = Math.min(x0, x); x1 = Math.max(x1, x); y0 = Math.min(y0, y); y1 = Math.max(y1, y);
  }
  const out = new Uint8Array(channels * h * w);
  const draw = (dx, dy) => {
    const small = $("small"), c = small.getContext("2d", { willReadFrequently: true });
    c.fillStyle = "#000";
    c.fillRect(0, 0, w, h);
    const bw = x1 - x0 + 1, bh = y1 - y0 + 1, s = Math.min(w * 5 / 7 / bw, h * 5 / 7 / bh);
    c.imageSmoothingEnabled = true;
    c.imageSmoothingQuality = "high";
    c.drawImage(pad, x0, y0, bw, bh, (w - bw * s) / 2 + dx, (h - bh * s) / 2 + dy, bw * s, bh * s);
    return c.getImageData(0, 0, w, h).data;
  };
  if (x1 < 0) return out;
  let data = draw(0, 0), sum = 0, sx = 0, sy = 0;
  for (let i = 0; i < w * h; i++) { sum += data[4 * i]; sx += data[4 * i] * (i % w); sy += data[4 * i] * Math.floor(i / w); }
  data = draw(Math.round((w - 1) / 2 - sx / sum), Math.round((h - 1) / 2 - sy / sum));
  for (let c = 0; c < channels; c++) for (let i = 0; i < w * h; i++) out[c * w * h + i] = data[4 * i];
  return out;
}
function preview() { if (half && half.kind === "pixels") pixels(); }

$("go").onclick = ask;
$("clear").onclick = clear;
$("model").onchange = () => open().catch(fail);
$("access").onsubmit = (e) => { e.preventDefault(); token = $("token").value.trim(); begin().catch(fail); };
begin().catch(fail);
