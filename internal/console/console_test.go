package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A bed is a console on a real NATS server, without its listener.
type bed struct {
	*testing.T
	*console.Server
	conn *stream.Conn
	log  *syncBuffer
}

// newBed returns a console whose settings change edits.
func newBed(t *testing.T, change func(*console.Config)) *bed {
	t.Helper()
	p, err := place.Parse("duckdb:" + t.TempDir() + "/events.duckdb")
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{T: t, conn: streamtest.Start(t).Connect(stream.Settings{}), log: &syncBuffer{}}
	cfg := console.Config{Settings: console.Settings{Addr: "127.0.0.1:0"}, Conn: b.conn, Warehouses: []place.Place{p}, Log: zerolog.New(b.log)}
	if change != nil {
		change(&cfg)
	}
	if b.Server, err = console.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// call returns the answer to a request, which change edits.
func (b *bed) call(method, target, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.Context(), method, target, strings.NewReader(body))
	r.Host = "localhost:8082"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w
}

func (b *bed) get(target string) *httptest.ResponseRecorder {
	return b.call(http.MethodGet, target, "", nil)
}

// publish stores the bodies as events of the workspace "default".
func (b *bed) publish(bodies ...[]byte) {
	b.Helper()
	pub, err := stream.NewPublisher(b.conn, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer pub.Close()
	for _, body := range bodies {
		m := event.Message{Workspace: "default", Body: body, ReceivedAt: time.Now()}
		if err := m.Index(); err != nil {
			b.Fatal(err)
		}
		if _, err := pub.Publish(b.Context(), &m); err != nil {
			b.Fatal(err)
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// Off this machine the console needs somebody who admits people, and the mistake names
// the settings.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ flags, want string }{
		"default":        {"", ""},
		"IPv6":           {"--console-addr=[::1]:8082", ""},
		"localhost":      {"--console-addr=localhost:8082", ""},
		"all addresses":  {"--console-addr=:8082", "CONSOLE_PASSWORD"},
		"an address":     {"--console-addr=10.0.0.1:8082", "CONSOLE_TRUST_PROXY_HEADER"},
		"a name":         {"--console-addr=localhost.example.com:8082", "reachable from other machines"},
		"password":       {"--console-addr=:8082 --console-password=twelve-chars", ""},
		"short password": {"--console-password=eleven-char", "too short"},
		"proxy":          {"--console-addr=:8082 --console-trust-proxy-header=X-Forwarded-Email", ""},
		"both":           {"--console-password=twelve-chars --console-trust-proxy-header=X-Forwarded-Email", "exclude each other"},
		"a header":       {"--console-addr=:8082 --console-trust-proxy-header=user-agent", "want the name of a header"},
	} {
		var c console.Settings
		set := config.New("test", func(string) string { return "" })
		c.Declare(set)
		err := set.Parse(strings.Fields(tt.flags))
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "eleven") {
			t.Errorf("%s: the error quotes the password: %v", name, err)
		}
	}
	if _, err := console.New(console.Config{Settings: console.Settings{Addr: ":0"}}); err == nil {
		t.Error("a console without checked settings listens off this machine")
	}
}

// A page of another site may resolve its own name to the console's address.
func TestUnknownHostsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.Hosts = []string{"Console.example.com"} })
	for host, want := range map[string]int{
		"localhost:8082": 200, "127.0.0.1:8082": 200, "[::1]:8082": 200, "console.example.com": 200, "CONSOLE.example.com:443": 200,
		"attacker.example": 421, "attacker.example:8082": 421, "127.0.0.1.nip.io": 421, "localhost.attacker.example": 421, "": 421,
	} {
		for _, path := range []string{"/", "/healthz", "/assets/console.css"} {
			if w := b.call("GET", path, "", func(r *http.Request) { r.Host = host }); w.Code != want {
				t.Errorf("host %q, path %s: %d, want %d", host, path, w.Code, want)
			}
		}
	}
}

// Each answer, refusals included, forbids frames, foreign scripts and guessed types.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.Password = "correct horse" })
	for _, path := range []string{"/", "/login", "/healthz", "/assets/htmx.min.js", "/nothing"} {
		h := b.get(path).Header()
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: the policy %q lacks %q", path, h.Get("Content-Security-Policy"), want)
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	if page := b.get("/login").Body.String(); strings.Contains(page, "<script>") || strings.Contains(page, " style=") || strings.Contains(page, "//cdn") {
		t.Errorf("the page has inline parts:\n%s", page)
	}
}

// A form on another site must not change anything with the browser's cookie.
func TestCrossOriginIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.Password = "correct horse" })
	for name, change := range map[string]func(*http.Request){
		"fetch metadata": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sub-domain":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"origin":         func(r *http.Request) { r.Header.Set("Origin", "https://attacker.example") },
	} {
		if w := b.call("POST", "/login", "password=correct+horse", change); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d, want 403", name, w.Code)
		}
	}
	same := func(r *http.Request) { r.Header.Set("Origin", "http://localhost:8082") }
	if w := b.call("POST", "/login", "password=correct+horse", same); w.Code != http.StatusSeeOther {
		t.Errorf("the console's own form: %d, want 303", w.Code)
	}
}

// A page of another site must not cause queries that cost money, or open all live pages, with
// an image or a frame. A link there may open the console.
func TestForeignPagesLoadNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	for _, tt := range []struct {
		site, dest string
		want       int
	}{
		{"cross-site", "image", 403},
		{"cross-site", "iframe", 403},
		{"same-site", "empty", 403},
		{"cross-site", "", 403},
		{"cross-site", "document", 200},
		{"same-origin", "empty", 200},
		{"none", "document", 200},
		{"", "", 200},
	} {
		got := b.call("GET", "/messages", "", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", tt.site)
			r.Header.Set("Sec-Fetch-Dest", tt.dest)
		}).Code
		if got != tt.want {
			t.Errorf("%s, as %q: %d, want %d", tt.site, tt.dest, got, tt.want)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.Password = "correct horse" })
	if w := b.get("/?a=1"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login?to="+url.QueryEscape("/?a=1") {
		t.Errorf("without a login: %d, %q", w.Code, w.Header().Get("Location"))
	}
	part := b.call("GET", "/", "", func(r *http.Request) { r.Header.Set("HX-Request", "true") })
	if part.Code != http.StatusUnauthorized || part.Header().Get("HX-Redirect") != "/login" {
		t.Errorf("a part of a page: %d, %v", part.Code, part.Header())
	}
	if w := b.call("POST", "/login", "password=battery+staple", nil); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) > 0 {
		t.Errorf("a wrong password: %d, %v", w.Code, w.Result().Cookies())
	}
	w := b.call("POST", "/login", "password=correct+horse&to=%2F%3Fa%3D1", nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/?a=1" || len(cookies) != 1 {
		t.Fatalf("the right password: %d, %v", w.Code, w.Header())
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
		t.Errorf("cookie %v", c)
	}
	with := func(value string) int {
		return b.call("GET", "/", "", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: c.Name, Value: value}) }).Code
	}
	forged := []byte(c.Value)
	forged[12] ^= 1
	for value, want := range map[string]int{c.Value: 200, string(forged): 303, "": 303, c.Value[:len(c.Value)-4]: 303, "AAAA": 303} {
		if got := with(value); got != want {
			t.Errorf("cookie %q: %d, want %d", value, got, want)
		}
	}
	b.call("POST", "/logout", "", func(r *http.Request) { r.AddCookie(c) })
	if got := with(c.Value); got != 303 {
		t.Errorf("a copy of the cookie after the logout: %d, want 303", got)
	}
	if log := b.log.String(); strings.Contains(log, "horse") || strings.Contains(log, "staple") || !strings.Contains(log, "wrong password") {
		t.Errorf("the log has a password, or no failed login:\n%s", log)
	}
}

// After a login the browser goes to a page of the console, whatever the link said.
func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"https://attacker.example", "//attacker.example", `/\attacker.example`, "/\t/attacker.example", "javascript:alert(1)", ""} {
		b := newBed(t, func(c *console.Config) { c.Password = "correct horse" })
		w := b.call("POST", "/login", url.Values{"password": {"correct horse"}, "to": {to}}.Encode(), nil)
		if got := w.Header().Get("Location"); got != "/" {
			t.Errorf("to %q leads to %q", to, got)
		}
	}
}

// Guessing ends after a few tries of an address, and after some more of many addresses.
func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.Password = "correct horse" })
	try := func(address, password string) int {
		return b.call("POST", "/login", "password="+password, func(r *http.Request) { r.RemoteAddr = address + ":1" }).Code
	}
	wrong := 0
	for range 10 {
		if try("192.0.2.1", "guess") == http.StatusUnauthorized {
			wrong++
		}
	}
	if wrong != 5 {
		t.Errorf("an address had %d tries, want 5", wrong)
	}
	if got := try("192.0.2.1", "correct+horse"); got != http.StatusTooManyRequests {
		t.Errorf("the right password after too many tries: %d, want 429: otherwise the answer tells", got)
	}
	if got := try("192.0.2.2", "correct+horse"); got != http.StatusSeeOther {
		t.Errorf("another address: %d, want 303", got)
	}
}

// The proxy's header admits, and nothing else does.
func TestProxyHeader(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.Addr, c.ProxyHeader = "127.0.0.1:0", "X-Forwarded-Email" })
	for path, want := range map[string]int{"/": 403, "/login": 404, "/healthz": 200} {
		if w := b.get(path); w.Code != want {
			t.Errorf("%s without the header: %d, want %d", path, w.Code, want)
		}
	}
	if w := b.call("GET", "/", "", func(r *http.Request) { r.Header.Set("X-Forwarded-Email", "ann@example.com") }); w.Code != 200 {
		t.Errorf("with the header: %d", w.Code)
	}
	twice := func(r *http.Request) { r.Header["X-Forwarded-Email"] = []string{"boss@example.com", "ann@example.com"} }
	if w := b.call("GET", "/", "", twice); w.Code != http.StatusForbidden {
		t.Errorf("with the client's header beside the proxy's: %d, want 403", w.Code)
	}
}

// A name in a path is looked up in a table, never in a folder.
func TestPathsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	for _, path := range []string{"/assets/../console.go", "/assets/%2e%2e/console.go", "/assets/..%2fconsole.go", "/assets/%2fetc%2fpasswd", "/templates/layout.html", "/assets/", "/etc/passwd"} {
		if w := b.get(path); w.Code == http.StatusOK || strings.Contains(w.Body.String(), "package console") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := b.get("/assets/console.css"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("an asset: %d, %v", w.Code, w.Header())
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	if page := b.get("/").Body.String(); !strings.Contains(page, "No event has arrived yet") {
		t.Errorf("the page of an empty stream does not say what to do:\n%s", page)
	}
	b.publish(webhooktest.Get("email_bounced_hard"))
	page := b.get("/").Body.String()
	for _, want := range []string{"<title>Overview", "No worker has reported itself", "1 message in the stream", `aria-current="page"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	part := b.call("GET", "/", "", func(r *http.Request) { r.Header.Set("HX-Request", "true") }).Body.String()
	if strings.Contains(part, "<html") || !strings.Contains(part, "1 message in the stream") {
		t.Errorf("the part for htmx:\n%s", part)
	}
}

// The overview says how old the work of each consumer is, and not only how much there is.
func TestOverviewOfConsumers(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.consumer("warehouse")
	row := func() string {
		_, after, _ := strings.Cut(b.get("/").Body.String(), "<tr><td>warehouse</td>")
		row, _, _ := strings.Cut(after, "</tr>")
		return row
	}
	if got := row(); got == "" || strings.Contains(got, "<time") {
		t.Errorf("the row of a consumer without work: %q", got)
	}
	b.publish(webhooktest.Get("email_bounced_hard"))
	if got := row(); strings.Count(got, "<time") != 1 { // settled none yet
		t.Errorf("the row of a consumer with work: %q\n%s", got, b.log)
	}
}

// The overview shows what workers report: what they cannot reach, and the policy in force.
func TestOverviewOfWorkers(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	if _, err := b.conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	for i, reason := range []string{"", "", "disk full"} {
		state := operate.PartOK
		if reason != "" {
			state = operate.PartDown
		}
		h := &operate.Heartbeat{
			Worker: fmt.Sprintf("w%d", i), At: time.Now(), StartedAt: time.Now(), DryRun: i == 2,
			Warehouses: []operate.Part{{Name: "warehouse", Place: "duckdb x", State: state, Reason: reason, Since: time.Now()}},
			Policies:   []operate.WorkspacePolicy{{Workspace: "acme", SuppressionMode: "unsubscribe", SuppressionLimit: 1000, Effects: "built-in"}},
		}
		if err := operate.SendHeartbeat(t.Context(), b.conn, h); err != nil {
			t.Fatal(err)
		}
	}
	page := b.get("/").Body.String()
	for want, times := range map[string]int{
		"<td>Warehouse</td>": 2, `<span class="tag bad">down</span>`: 1, "<td>disk full</td>": 1, `<td class="n">2</td>`: 1,
		"<td>unsubscribe</td>": 2, ">dry run<": 1, `<span class="tag good">ready</span>`: 3,
	} {
		if got := strings.Count(page, want); got != times {
			t.Errorf("%q is %d times on the page, want %d:\n%s\n%s", want, got, times, page, b.log)
		}
	}
	if strings.Index(page, "disk full") > strings.Index(page, "duckdb x") {
		t.Error("what is down is not the first line")
	}
}

// The overview is there without NATS, and says so.
func TestOverviewWithoutNATS(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.conn.Close()
	if w := b.get("/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "NATS does not answer") {
		t.Errorf("%d:\n%s", w.Code, w.Body)
	}
}

// The page with its scripts and styles, as a browser loads them, stays below 60 kB.
func TestFirstPageIsSmall(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	page := b.get("/").Body.String()
	total := len(page)
	for quoted := range strings.SplitSeq(page, `"`) {
		if !strings.HasPrefix(quoted, "/assets/") {
			continue
		}
		w := b.call("GET", quoted, "", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") })
		if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", quoted, w.Code, w.Header())
		}
		total += w.Body.Len()
	}
	t.Logf("%d bytes", total)
	if total > 60_000 {
		t.Errorf("the first page has %d bytes, want at most 60,000", total)
	}
}

// The listener answers with the same pages, and stops with its context.
func TestRun(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Server.Run(ctx) }()
	res, err := (&http.Client{Timeout: 10 * time.Second}).Get(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("Overview")) {
		t.Errorf("%d:\n%s", res.StatusCode, body)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
	if conn, err := net.Dial("tcp", b.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the listener is still there")
	}
}
