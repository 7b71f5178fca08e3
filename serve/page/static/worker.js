// The client half runs here, beside the page: keys, encryption and decryption.
"use strict";
importScripts("wasm_exec.js");

const ready = new Promise((resolve) => { self.qtoolReady = resolve; });
const go = new Go();
// Without GC pauses in the way of a small heap; what the page shows are real times.
WebAssembly.instantiateStreaming(fetch("client.wasm"), go.importObject)
  .then((r) => { go.run(r.instance); })
  .catch((e) => { postMessage({ id: 0, result: { error: "the client could not be loaded: " + e.message } }); });

onmessage = async (m) => {
  await ready;
  const { id, call, bytes } = m.data;
  const result = bytes ? self.qtool[call](bytes) : self.qtool[call]();
  postMessage({ id, result }, result.bytes ? [result.bytes.buffer] : []);
};
