package bigquery

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/bigquery/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// On GKE, the metadata server is late for some new pods. With GCE_METADATA_HOST the
// library asks the server again at each call, and the sink needs no restart. The library
// decides once in a process, so the test has a process of its own.
func TestMetadataServerIsLate(t *testing.T) { //nolint:paralleltest // t.Setenv in the child process
	const address = "GCE_METADATA_HOST"
	if os.Getenv("LATE_METADATA") == "" { //nolint:forbidigo // The parent process sets the variable.
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMetadataServerIsLate$", "-test.v")
		child.Env = []string{"LATE_METADATA=1", "HOME=" + t.TempDir(), address + "=" + freeAddress(t)}
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	server := httptest.NewServer(http.HandlerFunc(oneTable))
	defer server.Close()
	sink, err := New(Config{Project: "proj", GRPCEndpoint: "127.0.0.1:1", RESTEndpoint: server.URL, Timeout: 5 * time.Second, authenticate: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Store(t.Context()); err == nil {
		t.Fatal("Store succeeded without a metadata server")
	}
	serveMetadata(t, os.Getenv(address)) //nolint:forbidigo // The parent process sets the variable.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var store warehouse.Store
	for ctx.Err() == nil {
		if store, err = sink.Store(ctx); err == nil {
			break
		}
	}
	if store.ID != "a" {
		t.Errorf("store %+v, %v", store, err)
	}
}

// oneTable answers every authenticated call with a table.
func oneTable(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(bigquery.Table{ //nolint:errchkjson // The test sees a missing answer.
		TableReference: &bigquery.TableReference{ProjectId: "proj", DatasetId: "messaging", TableId: Raw},
		Labels:         map[string]string{storeLabel: "a"}, CreationTime: 1,
	})
}

// serveMetadata starts a metadata server at the address.
func serveMetadata(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		if !strings.HasSuffix(r.URL.Path, "/token") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"token","expires_in":3600,"token_type":"Bearer"}`))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// freeAddress returns an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
