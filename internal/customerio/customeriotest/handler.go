package customeriotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// Customer.io's limits, in bytes.
const (
	maxIdentifier = 150
	maxName       = 150
	maxValue      = 1000
	maxAttributes = 300
	maxEventName  = 100
	maxBody       = 100_000
)

// An answer is the answer to a call.
type answer struct {
	status int
	body   any
}

var accepted = answer{status: http.StatusOK, body: struct{}{}}

func refuse(status int, problem string) answer {
	return answer{status: status, body: map[string]any{"meta": map[string]any{"errors": []string{problem}}}}
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if a.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(a.status)
	//nolint:errchkjson // A client that has closed the connection needs no answer.
	_ = json.NewEncoder(w).Encode(a.body)
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit := int64(maxBody)
	if r.URL.Path == batchPath {
		limit = maxBatch
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		refuse(http.StatusBadRequest, "body is too large or was cut off").write(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.next(r).around(w, r, func() bool {
		refusal, ok := f.admit(r)
		if !ok {
			refusal.write(w)
		}
		return !ok
	}, f.mux)
}

// admit checks the credentials and the rate, before any other check.
func (f *Fake) admit(r *http.Request) (answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.authorized(r) {
		return refuse(http.StatusUnauthorized, "Unauthorized request"), false
	}
	if now := time.Now().Unix(); now != f.second {
		f.second, f.inSecond = now, 0
	}
	f.inSecond++
	if f.cfg.Rate > 0 && f.inSecond > f.cfg.Rate {
		f.counts.RateLimited++
		return refuse(http.StatusTooManyRequests, "Too many requests"), false
	}
	return answer{}, true
}

func (f *Fake) authorized(r *http.Request) bool {
	if f.cfg.SiteID == "" && f.cfg.APIKey == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	return user == f.cfg.SiteID && password == f.cfg.APIKey
}

func (f *Fake) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/accounts/region", func(w http.ResponseWriter, _ *http.Request) {
		answer{status: http.StatusOK, body: account(f.cfg.Region)}.write(w)
	})
	for pattern, kind := range map[string]Kind{
		"PUT /api/v1/customers/{identifier}":           Identify,
		"POST /api/v1/customers/{identifier}/suppress": Suppress,
		"POST /api/v1/customers/{identifier}/events":   Event,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { f.handle(kind, r).write(w) })
	}
	mux.HandleFunc("POST "+batchPath, func(w http.ResponseWriter, r *http.Request) { f.handleBatch(r).write(w) })
	mux.HandleFunc("POST /api/v2/entity", func(w http.ResponseWriter, r *http.Request) { f.handleEntity(r).write(w) })
	return mux
}

// account is the answer about the account, at the address of either region. Source:
// https://docs.customer.io/integrations/api/track/tag/trackregion/getRegion/
func account(region string) map[string]any {
	host := "https://track.customer.io"
	if region != "us" {
		host = "https://track-" + region + ".customer.io"
	}
	return map[string]any{"url": host, "region": region, "environment_id": 1}
}

const batchPath = "/api/v2/batch"

// handle checks and applies a call.
func (f *Fake) handle(kind Kind, r *http.Request) answer {
	call := Call{Kind: kind, Identifier: r.PathValue("identifier")}
	body, err := decode(r.Body, kind)
	call.Body = body
	if err := errors.Join(err, call.check()); err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accept(call)
	return accepted
}

// accept logs, counts and applies a valid call. The caller holds the lock.
func (f *Fake) accept(c Call) {
	f.calls = append(f.calls, c)
	if len(f.calls) > f.cfg.CallLog {
		f.calls = f.calls[1:]
	}
	k := c.key()
	switch c.Kind {
	case Identify:
		f.counts.Identify++
		if !f.people.identify(k, c.Body, time.Now().Unix()) {
			f.counts.Ignored++
		}
	case Suppress:
		f.counts.Suppress++
		f.people.suppress(k)
	case Event: // an event does not change the profile
		f.counts.Event++
	}
}
