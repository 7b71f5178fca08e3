// Package page is the demonstration of a service: a page in which one draws a digit or
// types a sentence, and which makes keys, encrypts and decrypts by itself. The server sees
// evaluation keys and ciphertexts.
//
// The client half in the page is Go, compiled to WebAssembly by go generate or, where that
// was not done, by the go command when the page is first wanted. It is not kept in the
// repository.
package page

//go:generate go run qtool/serve/page/build static

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"qtool/serve/page/wasm"
)

//go:embed all:static
var static embed.FS

// Handler serves the page. ctx bounds building the client, which says on the returned
// error what is missing.
func Handler(ctx context.Context) (http.Handler, error) {
	files := map[string][]byte{}
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if files[e.Name()], err = static.ReadFile("static/" + e.Name()); err != nil {
			return nil, err
		}
	}
	if files[wasm.Client] == nil || files[wasm.Runtime] == nil {
		built, err := wasm.Build(ctx)
		if err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
		for name, b := range built {
			files[name] = b
		}
	}
	return handler(files), nil
}

// policy lets the page load what it is made of, and talk to nobody but its service.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func handler(files map[string][]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		if strings.HasSuffix(name, ".wasm") {
			packed, ok := files[name+".gz"]
			if !ok {
				http.NotFound(w, r)
				return
			}
			h.Set("Content-Type", "application/wasm")
			h.Set("Content-Encoding", "gzip") // every browser with WebAssembly reads it
			h.Set("Content-Length", fmt.Sprint(len(packed)))
			_, _ = bytes.NewReader(packed).WriteTo(w)
			return
		}
		b, ok := files[name]
		if !ok || strings.HasSuffix(name, ".gz") || strings.HasPrefix(name, ".") {
			http.NotFound(w, r)
			return
		}
		h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		_, _ = bytes.NewReader(b).WriteTo(w)
	})
}
