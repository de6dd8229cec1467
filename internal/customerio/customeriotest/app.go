package customeriotest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An AppConfig configures an App. The zero AppConfig accepts any key. The modes that end
// in "unknown" are readings of what Customer.io does not document.
type AppConfig struct {
	// Key is the accepted App API key. Default: any key.
	Key string
	// Denied are the beginnings of paths that the key may not call: the answer is 403.
	Denied []string
	// Rate is the number of calls in any second before the answer 429. Default 10.
	Rate int
	// Quota is the number of calls before every later call is answered 429 without
	// Retry-After, as after a daily quota. Default: no quota.
	Quota int
	// NoRetryAfter omits Retry-After from every 429, as a proxy may.
	NoRetryAfter bool
	// OldErrors answers refusals as {"meta":{"error":"…"}}, the older form.
	OldErrors bool
	// Delay is the time that each answer takes.
	Delay time.Duration
	// PageSize is the default and the largest number of items on a page. Default 50 and
	// 1,000.
	PageSize int
	// NewestFirst lists deliveries from the newest on; unknown. Pages then shift while
	// deliveries arrive, and an item comes twice.
	NewestFirst bool
	// Shuffled lists deliveries in no order; unknown.
	Shuffled bool
	// Shifting lets each later page of deliveries begin an item late when it is asked for
	// the first time, as if a delivery of the page before had vanished; unknown.
	Shifting bool
	// NextAlways names a next page after the last page, which is empty; unknown.
	NextAlways bool
	// OpenBounds excludes the bounds start_ts and end_ts from a window; unknown.
	OpenBounds bool
	// Kept is the age at which a delivery disappears; unknown. Default: never.
	Kept time.Duration
	// RatePerKey counts Rate for each key; unknown. By default all keys share it.
	RatePerKey bool
	// HumanCounts makes human_opened and its like of a delivery numbers; unknown. By
	// default they are times.
	HumanCounts bool
	// Deliveries is the number of last deliveries that the App keeps, of about 1 KB
	// each. Default 100,000.
	Deliveries int
}

// An App is a fake of Customer.io's App API: an http.Handler that keeps the reporting
// webhooks, the names and the deliveries of a workspace. An App is safe for concurrent
// use.
//
// Record tells the App the events that a receiver of reporting webhooks gets, so that one
// simulation feeds both.
//
// An App imitates bearer authentication, scopes, the limit of 10 calls in any second and
// its 429 with and without Retry-After, both forms of refusals, pages, the checks of
// reporting webhooks, windows and filters of deliveries. An App does not imitate counts of
// metrics, lists of the deliveries of one source, exports, people, and the sending of
// messages.
// Source: Customer.io's journeys-app.json of August 2026.
type App struct {
	faults
	cfg AppConfig
	mux *http.ServeMux

	mu         sync.Mutex
	webhooks   []Webhook
	lastID     int64
	sources    map[string][]*Source // by kind
	deliveries []*delivery          // in the order of creation
	byID       map[string]*delivery
	calls      map[string][]time.Time // the last Rate calls that were not refused, by key
	asked      map[string]bool        // queries of later pages, for Shifting
	counts     AppCounts
}

// AppCounts are the numbers of calls since the start.
type AppCounts struct {
	Requests    int // with any answer
	RateLimited int // 429 because of AppConfig.Rate or AppConfig.Quota
	Faults      int // from SetFault
}

// NewApp returns a workspace without webhooks, sources and deliveries.
func NewApp(cfg AppConfig) *App {
	cfg.Rate = cmp.Or(cfg.Rate, 10)
	cfg.Deliveries = cmp.Or(cfg.Deliveries, 100_000)
	a := &App{cfg: cfg, sources: map[string][]*Source{}, byID: map[string]*delivery{}, calls: map[string][]time.Time{}, asked: map[string]bool{}}
	a.mux = a.routes()
	return a
}

// Under returns another App with the sources and the deliveries of a, so that a test with
// many deliveries keeps them once. Neither of the two may change afterwards.
func (a *App) Under(cfg AppConfig) *App {
	other := NewApp(cfg)
	other.sources, other.deliveries, other.byID = a.sources, a.deliveries, a.byID
	return other
}

// Counts returns the numbers of calls since the start.
func (a *App) Counts() AppCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.counts
	c.Requests, c.Faults = a.faults.counts()
	return c
}

// EventsPath accepts POST with events of reporting webhooks, one a line, which the App
// records. Customer.io has no such path.
const EventsPath = "/fake/events"

// ServeHTTP implements http.Handler.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == EventsPath && r.Method == http.MethodPost {
		a.recordLines(w, r)
		return
	}
	fault := a.next(r)
	if a.cfg.Delay > 0 {
		select {
		case <-time.After(a.cfg.Delay):
		case <-r.Context().Done():
		}
	}
	fault.around(w, r, func() bool {
		refusal, ok := a.admit(r)
		if !ok {
			a.write(w, refusal)
		}
		return !ok
	}, a.mux)
}

// admit checks the limits, the key and its scopes, before any other check.
func (a *App) admit(r *http.Request) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	requests, _ := a.faults.counts()
	quota := a.cfg.Quota > 0 && requests > a.cfg.Quota
	limited := ""
	if a.cfg.RatePerKey {
		limited = r.Header.Get("Authorization")
	}
	calls := a.calls[limited]
	if quota || len(calls) == a.cfg.Rate && now.Sub(calls[0]) < time.Second {
		a.counts.RateLimited++
		return deny(http.StatusTooManyRequests, fmt.Sprintf("rate limited to %d requests per 1s (reference 1)", a.cfg.Rate)), false
	}
	a.calls[limited] = append(calls[max(0, len(calls)+1-a.cfg.Rate):], now)
	if r.URL.Path == "/v1/info/ip_addresses" {
		return answer{}, true
	}
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || key == "" || a.cfg.Key != "" && key != a.cfg.Key {
		return deny(http.StatusUnauthorized, "unauthorized"), false
	}
	if slices.ContainsFunc(a.cfg.Denied, func(path string) bool { return strings.HasPrefix(r.URL.Path, path) }) {
		return deny(http.StatusForbidden, "insufficient scope"), false
	}
	return answer{}, true
}

// write writes an answer in the form of the App API.
func (a *App) write(w http.ResponseWriter, out answer) {
	w.Header().Set("Content-Type", "application/json")
	if out.status == http.StatusTooManyRequests && !a.cfg.NoRetryAfter && a.cfg.Quota == 0 {
		w.Header().Set("Retry-After", "1")
	}
	if problem, ok := out.body.(string); ok {
		out.body = a.refusal(out.status, problem)
	}
	w.WriteHeader(out.status)
	//nolint:errchkjson // A client that has closed the connection needs no answer.
	_ = json.NewEncoder(w).Encode(out.body)
}

func (a *App) refusal(status int, problem string) any {
	if a.cfg.OldErrors {
		return map[string]any{"meta": map[string]any{"error": problem}}
	}
	return map[string]any{"errors": []any{map[string]any{"status": strconv.Itoa(status), "detail": problem}}}
}

func (a *App) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) answer{
		"GET /v1/reporting_webhooks":         a.listWebhooks,
		"POST /v1/reporting_webhooks":        a.createWebhook,
		"GET /v1/reporting_webhooks/{id}":    a.getWebhook,
		"PUT /v1/reporting_webhooks/{id}":    a.updateWebhook,
		"DELETE /v1/reporting_webhooks/{id}": a.deleteWebhook,
		"GET /v1/info/ip_addresses":          addresses,
		"GET /v1/campaigns":                  a.listSources("campaign"),
		"GET /v1/broadcasts":                 a.listSources("broadcast"),
		"GET /v1/newsletters":                a.listSources("newsletter"),
		"GET /v1/transactional":              a.listSources("transactional"),
		"GET /v1/campaigns/{id}/actions":     a.listActions("campaign"),
		"GET /v1/broadcasts/{id}/actions":    a.listActions("broadcast"),
		"GET /v1/newsletters/{id}/contents":  a.listContents,
		"GET /v1/messages":                   a.listDeliveries,
		"GET /v1/messages/{id}":              a.getDelivery,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			out := handle(r)
			a.mu.Unlock()
			a.write(w, out)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { a.write(w, missing) })
	return mux
}

// deny is a refusal of the App API.
func deny(status int, problem string) answer { return answer{status: status, body: problem} }

var missing = deny(http.StatusNotFound, "not found")

func found(body any) answer { return answer{status: http.StatusOK, body: body} }

// addresses answers with documentation addresses of RFC 5737.
func addresses(*http.Request) answer {
	return found(map[string]any{"ip_addresses": []string{"192.0.2.10", "192.0.2.11", "198.51.100.7"}})
}
