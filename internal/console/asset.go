package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// An asset is a script, a style or an image.
type asset struct {
	kind       string // Content-Type
	raw, small []byte // small is compressed
	version    string
}

var assets = readAssets()

// readAssets compresses the assets once: 95 kB become 38.
func readAssets() map[string]*asset {
	list := map[string]*asset{}
	entries, _ := assetFiles.ReadDir("assets") // embedded
	for _, e := range entries {
		raw, _ := assetFiles.ReadFile("assets/" + e.Name())
		sum := sha256.Sum256(raw)
		var small bytes.Buffer
		z, _ := gzip.NewWriterLevel(&small, gzip.BestCompression)
		_, _ = z.Write(raw)
		_ = z.Close()
		list[e.Name()] = &asset{kindOf(e.Name()), raw, small.Bytes(), hex.EncodeToString(sum[:6])}
	}
	return list
}

// kindOf does not ask the system's table of types, which differs between machines.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "text/plain; charset=utf-8"
	}
}

// assetURL returns the path of an asset. The version makes browsers load a new release.
func assetURL(name string) string { return "/assets/" + name + "?v=" + assets[name].version }

// serveAsset looks the name up in the table and never in a file system, so that no name
// leads elsewhere.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	a := assets[r.PathValue("name")]
	if a == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Vary", "Accept-Encoding")
	if r.FormValue("v") == a.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := a.raw
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = a.small
	}
	_, _ = w.Write(body) // fails only if the browser is gone
}
