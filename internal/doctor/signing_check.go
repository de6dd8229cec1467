package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Customer.io hangs up after 4 s.
const hangUp = 4 * time.Second

// tryKeys tries each signing key of a workspace at the public address of ingest.
func tryKeys(ctx context.Context, w config.Workspace, url string) (found []Verdict) {
	name := config.Variable(w.Name, "WEBHOOK_SECRET")
	switch {
	case len(w.Secrets) == 0:
		return skipped(name + " is not set here")
	case url == "":
		return skipped("needs the public address of ingest: --url https://hooks.example.com/webhooks/customerio")
	}
	for i, key := range w.Secrets {
		if len(w.Secrets) > 1 {
			name = fmt.Sprintf("key %d of %s", i+1, config.Variable(w.Name, "WEBHOOK_SECRET"))
		}
		found = append(found, tryKey(ctx, url, name, key)...)
	}
	return found
}

// tryKey posts a signed probe, which ingest does not store. The transport follows no redirect,
// and verifies certificates as Customer.io does.
func tryKey(ctx context.Context, url, name, key string) []Verdict {
	ctx, cancel := context.WithTimeout(ctx, hangUp)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(event.Probe))
	if err != nil {
		return failed(err.Error(), "correct the URL")
	}
	req.Header.Set("Content-Type", "application/json")
	webhook.SignRequest(req.Header, key, time.Now(), []byte(event.Probe))
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	start := time.Now()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return noAnswer(req.URL.Host, err)
	}
	defer resp.Body.Close()
	a := probeAnswer{resp: resp, key: name, took: time.Since(start)}
	a.body, _ = io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	_ = json.Unmarshal(bytes.TrimSpace(a.body), &a.said) // an answer of another program
	return a.judge()
}

// A probeAnswer is the answer to a probe.
type probeAnswer struct {
	resp *http.Response
	key  string // the name of the key
	took time.Duration
	body []byte
	said struct{ Status, Error string } // by ingest, "" by another program
}

// judge tells the answers of ingest (internal/ingest/answer.go) from answers of others.
func (a *probeAnswer) judge() []Verdict {
	status := a.resp.StatusCode
	isIngest := a.said.Status != "" || a.said.Error != ""
	if status == http.StatusUnauthorized {
		isIngest = a.said.Error == "Missing signature" || a.said.Error == "Invalid signature"
	}
	switch {
	case status >= 300 && status <= 399:
		return failed(fmt.Sprintf("the address redirects to %s (%d)", a.resp.Header.Get("Location"), status), "register the final address as the webhook's endpoint, or let the proxy pass the call on: nobody says that Customer.io follows redirects")
	case !isIngest && status >= 502 && status <= 504:
		return failed("a proxy answers "+a.resp.Status+": it reaches no ingest", "look whether ingest runs and is ready: /readyz of its admin address, and its log")
	case !isIngest:
		return failed(fmt.Sprintf("another program answers, not ingest: %s %.60q", a.resp.Status, a.body), "let the proxy pass POST of this path to ingest, unchanged and without a sign-in of its own")
	case status == http.StatusOK:
		return a.accepted()
	case a.said.Error == "Missing signature":
		return failed("ingest gets the call without its signature", "let the proxy pass on the headers X-CIO-Signature and X-CIO-Timestamp")
	case status == http.StatusUnauthorized:
		return failed(fmt.Sprintf("ingest does not accept %s: the key here differs from the key of ingest", a.key),
			"copy the signing key from the page of the reporting webhook in Customer.io, give it to ingest and set it here. If both are right, compare the clocks, and look for a proxy that changes bodies")
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return failed("ingest does not know this path: "+a.resp.Request.URL.Path, "use the path /webhooks/customerio, or /webhooks/customerio/WORKSPACE with a workspace of CUSTOMERIO_WORKSPACES")
	case a.said.Error == "Not available here":
		return []Verdict{{Warn, "ingest refuses the address of this machine (ALLOWED_NETWORKS): the key is not tried", "run cioctl doctor on a machine in ALLOWED_NETWORKS"}}
	}
	return failed(fmt.Sprintf("ingest answers %d: %s", status, a.said.Error), "try again; if it stays, look up the outcome in the log of ingest, and in docs/operations.md")
}

// A certificate should be renewed earlier than certificateWarn before its end.
const certificateWarn = 14 * 24 * time.Hour

func (a *probeAnswer) accepted() []Verdict {
	if a.said.Status != "probe" {
		return warned("an ingest of an older release accepts "+a.key+", and has stored the call as an event of the object type test", "upgrade ingest")
	}
	if a.resp.TLS == nil && !isLocal(a.resp.Request.URL.Hostname()) {
		return warned("ingest accepts "+a.key+", but the address has no TLS: others may read the events on their way", "give ingest or its proxy a certificate, and register an https address")
	}
	if a.resp.TLS != nil {
		if end := a.resp.TLS.PeerCertificates[0].NotAfter; time.Until(end) < certificateWarn {
			return warned(fmt.Sprintf("ingest accepts %s, but the certificate of the address ends on %s", a.key, end.UTC().Format(time.DateOnly)), "renew the certificate: Customer.io waits an hour after each failed TLS handshake")
		}
	}
	return ok("ingest accepts %s, after %d ms", a.key, a.took.Milliseconds())
}
