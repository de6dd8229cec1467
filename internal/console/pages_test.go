package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// storeDead stores a dead letter of the consumer with the body.
func (b *bed) storeDead(consumer string, reason fault.Reason, body []byte, text string) {
	b.Helper()
	pub, err := stream.NewPublisher(b.conn, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer pub.Close()
	d := event.DeadLetter{
		Message: event.Message{Workspace: "default", Body: body, ReceivedAt: time.Now()},
		From:    consumer, Consumer: consumer, Reason: reason, Err: text, Attempts: 1, Sequence: 1, DiedAt: time.Now(), StoredAt: time.Now(),
	}
	_ = d.Index()
	if err := pub.StoreDeadLetter(b.Context(), &d); err != nil {
		b.Fatal(err)
	}
}

// consumer creates a worker's consumer, so that dead letters can go to it again.
func (b *bed) consumer(name string) {
	b.Helper()
	if _, err := b.conn.OpenConsumer(b.Context(), name, []string{stream.AllEvents}); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) post(target string, form url.Values) int {
	return b.call("POST", target, form.Encode(), nil).Code
}

// dead returns the number of dead letters.
func (b *bed) dead() (n uint64) {
	b.Helper()
	status, err := b.conn.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range status.Dead {
		n += d.Count
	}
	return n
}

// awaitDead waits until the job in the background has left n dead letters.
func (b *bed) awaitDead(n uint64) {
	b.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Second); b.dead() != n; <-tick.C {
		if time.Now().After(end) {
			b.Fatalf("%d dead letters, want %d:\n%s", b.dead(), n, b.get("/dead/job").Body)
		}
	}
}

// changes are the routes that change something, with a form that would be accepted.
var changes = map[string]url.Values{
	"/dead/redrive":     {"from": {"warehouse"}},
	"/dead/drop":        {"from": {"warehouse"}, "confirm": {"1"}},
	"/replays/start":    {"to": {"warehouse"}},
	"/replays/x/cancel": {},
}

func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *console.Config) { c.ReadOnly = true })
	b.consumer("warehouse")
	b.publish(webhooktest.Get("email_bounced_hard"))
	b.storeDead("warehouse", fault.ReasonRejectedRow, []byte(`{"metric":"sent"}`), "")
	for path, form := range changes {
		if got := b.post(path, form); got != http.StatusMethodNotAllowed && got != http.StatusNotFound {
			t.Errorf("%s: %d, want no such route", path, got)
		}
	}
	if b.dead() != 1 {
		t.Errorf("%d dead letters, want 1", b.dead())
	}
	for _, path := range []string{"/dead", "/dead/plan", "/replays", "/replays/plan?to=warehouse", "/replays/plan?to=suppression"} {
		page := b.get(path).Body.String()
		for _, action := range []string{"/dead/redrive", "/dead/drop", "/replays/start", "/cancel"} {
			if strings.Contains(page, `action="`+action) {
				t.Errorf("%s offers %s", path, action)
			}
		}
	}
}

func TestForeignPagesChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.consumer("warehouse")
	b.publish(webhooktest.Get("email_bounced_hard"))
	b.storeDead("warehouse", fault.ReasonRejectedRow, []byte(`{"metric":"sent"}`), "")
	for path, form := range changes {
		w := b.call("POST", path, form.Encode(), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", path, w.Code)
		}
		if w := b.get(path); strings.HasPrefix(path, "/dead") && w.Code < 400 || b.dead() != 1 {
			t.Errorf("GET %s: %d, and %d dead letters", path, w.Code, b.dead())
		}
	}
}

// linkIn returns the address of the page's first link that begins with the path.
func linkIn(t *testing.T, page, path string) string {
	t.Helper()
	_, link, found := strings.Cut(page, `href="`+path)
	if !found {
		t.Fatalf("no link to %s:\n%s", path, page)
	}
	link, _, _ = strings.Cut(path+link, `"`)
	return html.UnescapeString(link)
}

// The plan of a change has the filter of the list from which a link leads to the plan, and
// the way back has it, too.
func TestDeadPlanKeepsTheFilter(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.storeDead("warehouse", fault.ReasonRejectedRow, []byte(`{"event_id":"e1","metric":"sent"}`), "column a&b=c is 100% wrong")
	b.storeDead("warehouse", fault.ReasonRejectedRow, []byte(`{"event_id":"e2","metric":"sent"}`), "another column")
	b.storeDead("warehouse", fault.ReasonPanic, []byte(`{"event_id":"e3","metric":"sent"}`), "panic")
	list := b.get("/dead?" + url.Values{"reason": {"rejected_row"}, "text": {"a&b=c is 100%"}}.Encode()).Body.String()
	plan := b.get(linkIn(t, list, "/dead/plan")).Body.String()
	if !strings.Contains(plan, "<h1>1 dead letter</h1>") || !strings.Contains(plan, "reason=rejected_row") {
		t.Errorf("the plan has another filter:\n%s", plan)
	}
	if back := b.get(linkIn(t, plan, "/dead?")).Body.String(); !strings.Contains(back, "<strong>1 dead letter</strong>") {
		t.Errorf("the way back has another filter:\n%s", back)
	}
}

// A redrive applies to all that the filter selects, and to nothing that came after the look.
func TestRedrive(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.consumer("warehouse")
	for i := range 3 {
		b.storeDead("warehouse", fault.ReasonRejectedRow, fmt.Appendf(nil, `{"event_id":"e%d","metric":"sent"}`, i), "no such column, ann@example.com")
	}
	b.storeDead("warehouse", fault.ReasonPanic, []byte(`{"event_id":"other","metric":"sent"}`), "panic")
	page := b.get("/dead?reason=rejected_row").Body.String()
	if !strings.Contains(page, "<strong>3 dead letters</strong>") || strings.Contains(page, "ann@example.com") {
		t.Errorf("the list:\n%s", page)
	}
	plan := b.get("/dead/plan?reason=rejected_row&text=COLUMN").Body.String()
	if !strings.Contains(plan, "Redrive 3 dead letters") {
		t.Fatalf("the plan:\n%s", plan)
	}
	_, until, _ := strings.Cut(plan, `name="until" value="`)
	until, _, _ = strings.Cut(until, `"`)
	b.storeDead("warehouse", fault.ReasonRejectedRow, []byte(`{"event_id":"later","metric":"sent"}`), "no such column")
	if got := b.post("/dead/redrive", url.Values{"reason": {"rejected_row"}, "text": {"column"}, "until": {until}}); got != http.StatusSeeOther {
		t.Fatalf("redrive: %d", got)
	}
	b.awaitDead(2)
	if log := b.log.String(); !strings.Contains(log, `"what":"redrive dead letters"`) || !strings.Contains(log, `"count":3`) || !strings.Contains(log, `"who":"local"`) {
		t.Errorf("the log does not say who did what to how many:\n%s", log)
	}
	if log := b.log.String(); strings.Contains(log, "text=column") || strings.Contains(log, "ann@") {
		t.Errorf("the log has the text of the filter:\n%s", log)
	}
}

// A drop needs the number of dead letters, which a filter of another number refuses.
func TestDropNeedsTheNumber(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.storeDead("ingest", fault.ReasonNotJSON, []byte("a"), "")
	b.storeDead("ingest", fault.ReasonNotJSON, []byte("b"), "")
	for _, typed := range []string{"", "1", "3", "yes"} {
		if got := b.post("/dead/drop", url.Values{"confirm": {typed}}); got != http.StatusBadRequest || b.dead() != 2 {
			t.Errorf("%q: %d, and %d dead letters", typed, got, b.dead())
		}
	}
	if got := b.post("/dead/drop", url.Values{"confirm": {"2"}}); got != http.StatusSeeOther {
		t.Errorf("the number: %d", got)
	}
	b.awaitDead(0)
}

// Held suppressions delete profiles, so that no redrive of others releases them, and the
// number of people is typed.
func TestHeldSuppressions(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.consumer("suppression")
	b.storeDead("suppression", fault.ReasonHeldSuppression, webhooktest.Get("email_bounced_hard"), "held")
	if got := b.post("/dead/redrive", url.Values{"from": {"suppression"}}); got != http.StatusSeeOther {
		t.Errorf("a redrive of all: %d", got)
	}
	awaitText(t, b, "/dead/job", "kept: held suppressions")
	if plan := b.get("/dead/plan?reason=held_suppression").Body.String(); !strings.Contains(plan, "1 person are") && !strings.Contains(plan, "1 person") {
		t.Errorf("the plan does not say how many people:\n%s", plan)
	}
	release := url.Values{"reason": {"held_suppression"}}
	if got := b.post("/dead/redrive", release); got != http.StatusBadRequest || b.dead() != 1 {
		t.Errorf("without the number: %d, and %d dead letters", got, b.dead())
	}
	release.Set("confirm", "1")
	if got := b.post("/dead/redrive", release); got != http.StatusSeeOther {
		t.Errorf("with the number: %d", got)
	}
	b.awaitDead(0)
	if log := b.log.String(); !strings.Contains(log, "release held suppressions") {
		t.Errorf("the log:\n%s", log)
	}
}

// awaitText waits until the page has the text.
func awaitText(t *testing.T, b *bed, path, text string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Second); !strings.Contains(b.get(path).Body.String(), text); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s has no %q:\n%s", path, text, b.get(path).Body)
		}
	}
}

// A replay to effects needs the name of the consumer; one to a warehouse does not.
func TestReplays(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.consumer("warehouse")
	b.consumer("suppression")
	b.publish(webhooktest.Get("email_bounced_hard"))
	if page := b.get("/replays/plan?to=suppression").Body.String(); !strings.Contains(page, "suppresses 1 person") || !strings.Contains(page, `name="confirm"`) {
		t.Errorf("the preview:\n%s", page)
	}
	for _, form := range []url.Values{{"to": {"suppression"}}, {"to": {"suppression"}, "confirm": {"warehouse"}}, {"to": {"slack"}, "confirm": {"slack"}}, {"to": {"nothing here"}}} {
		if got := b.post("/replays/start", form); got != http.StatusBadRequest {
			t.Errorf("%v: %d, want 400", form, got)
		}
	}
	if w := b.get("/replays/plan?to=warehouse&since=2999-01-01"); w.Code != http.StatusBadRequest {
		t.Errorf("a period without events: %d", w.Code)
	}
	for _, form := range []url.Values{{"to": {"suppression"}, "confirm": {"suppression"}}, {"to": {"warehouse"}}} {
		if got := b.post("/replays/start", form); got != http.StatusSeeOther {
			t.Errorf("%v: %d, want 303", form, got)
		}
	}
	replays, err := b.conn.Replays(t.Context())
	if err != nil || len(replays) != 2 {
		t.Fatalf("replays %v, %v", replays, err)
	}
	if page := b.get("/replays").Body.String(); !strings.Contains(page, replays[0].ID) || !strings.Contains(page, "waiting") {
		t.Errorf("the list:\n%s", page)
	}
	if got := b.post("/replays/"+replays[0].ID+"/cancel", nil); got != http.StatusSeeOther {
		t.Errorf("cancel: %d", got)
	}
	if got := b.post("/replays/"+replays[0].ID+"/cancel", nil); got != http.StatusNotFound {
		t.Errorf("cancel again: %d", got)
	}
	if log := b.log.String(); !strings.Contains(log, "cancel replay") || !strings.Contains(log, "start replay "+replays[1].ID) {
		t.Errorf("the log:\n%s", log)
	}
}

const script = `"><script>alert(1)</script>`

// hostile returns a body with the script in every text.
func hostile(t *testing.T) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(webhooktest.Get("email_bounced_hard"), &v); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(poison("", v))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func poison(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = poison(k, v[k])
		}
		v[script] = script
	case string:
		if name == "metric" || name == "object_type" {
			return v + script
		}
		return script + v
	}
	return v
}

// The texts of an event come from strangers.
func TestTextsAreEscaped(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	body := hostile(t)
	b.publish(body)
	b.storeDead("ingest", fault.ReasonNotJSON, body, script)
	pages := map[string]string{}
	for _, path := range []string{
		"/", "/events", "/events/1", "/dead", "/dead/1", "/dead/plan", "/replays", "/try",
		"/events?person=" + url.QueryEscape(script), "/events?source=" + url.QueryEscape(script), "/dead?text=" + url.QueryEscape(script) + "&from=" + url.QueryEscape(script),
		"/dead/plan?text=" + url.QueryEscape(script), "/dead?since=" + url.QueryEscape(script), "/replays?started=" + url.QueryEscape(script),
		"/replays/plan?to=" + url.QueryEscape(script), "/events/" + url.PathEscape(script), "/login?to=" + url.QueryEscape(script),
		"/messages?timezone=" + url.QueryEscape(script), "/person?delivery=" + url.QueryEscape(script),
	} {
		pages[path] = b.get(path).Body.String()
	}
	for path, form := range map[string]url.Values{
		"/events/1/reveal": nil, "/dead/1/reveal": nil, "/try": {"mode": {"suppress"}, "event": {string(body)}},
		"/person": {"kind": {"id"}, "value": {script}, "workspace": {script}}, "/person/plan": {"kind": {"id"}, "value": {script}},
		"/replays/start": {"to": {script}}, "/dead/drop": {"confirm": {script}},
	} {
		pages["POST "+path] = b.call("POST", path, form.Encode(), nil).Body.String()
	}
	for path, page := range pages {
		if strings.Contains(page, "<script>alert") || strings.Contains(page, script) {
			t.Errorf("%s runs the script:\n%s", path, page)
		}
	}
	for _, path := range []string{"/events/1", "POST /events/1/reveal", "POST /try", "/dead/1"} {
		if !strings.Contains(pages[path], "alert(1)") {
			t.Errorf("%s does not show the text: the test checks nothing", path)
		}
	}
}

// Addresses are shown only to those who ask, which the log tells.
func TestReveal(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	body := []byte(`{"event_id":"e1","object_type":"email","metric":"bounced","data":{"identifiers":{"id":"u-77","email":"ann@example.com","phone":"+15550100"},` +
		`"recipient":"Ann <ann@example.com>","subject":"Hello Ann","new":"ann@example.com","failure_message":"550 <ann@example.com> unknown","delivery_id":"d1"}}`)
	b.publish(body, []byte(`{"event_id":"e2","object_type":"email","metric":"sent","data":{"identifiers":{"email":"ann@example.com"}}}`))
	b.storeDead("suppression", fault.ReasonRejected, body, "400: ann@example.com is unknown")
	for _, path := range []string{"/events", "/events/1", "/dead", "/dead/1"} {
		page := b.get(path).Body.String()
		for _, personal := range []string{"ann@example.com", "+15550100", "Hello Ann"} {
			if strings.Contains(page, personal) || strings.Contains(page, strings.ReplaceAll(personal, "+", "&#43;")) {
				t.Errorf("%s shows %s", path, personal)
			}
		}
	}
	if page := b.get("/events").Body.String(); !strings.Contains(page, "a…@example.com") {
		t.Errorf("the table does not hint at the person:\n%s", page)
	}
	if page := b.get("/events/1").Body.String(); !strings.Contains(page, "550") || !strings.Contains(page, "&#34;d1&#34;") {
		t.Errorf("the page hides what names nobody:\n%s", page)
	}
	for _, path := range []string{"/events/1/reveal", "/dead/1/reveal"} {
		if w := b.get(path); w.Code == http.StatusOK {
			t.Errorf("a link opens %s", path)
		}
		if page := b.call("POST", path, "", nil).Body.String(); !strings.Contains(page, "ann@example.com") || !strings.Contains(page, "Hello Ann") {
			t.Errorf("%s does not show the values:\n%s", path, page)
		}
	}
	log := b.log.String()
	if !strings.Contains(log, "reveal event") || !strings.Contains(log, "reveal dead letter") || strings.Contains(log, "ann@") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestUnknownThings(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	for path, want := range map[string]int{
		"/events/999": 404, "/dead/999": 404, "/events/x": 400, "/dead/x": 400, "/dead?reason=x": 400, "/dead?since=x": 400,
		"/events?source=x": 400, "/messages/csv/x?days=x": 400, "/replays/plan?to=x.y": 400, "/nothing": 404, "/dead/job": 200,
	} {
		if w := b.get(path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	for name, tt := range map[string]struct{ mode, event, want string }{
		"suppress":    {"suppress", string(webhooktest.Get("email_bounced_hard")), `<span class="tag bad">suppress</span>`},
		"unsubscribe": {"unsubscribe", string(webhooktest.Get("email_bounced_hard")), "unsubscribed=true"},
		"no rule":     {"suppress", `{"object_type":"email","metric":"sent"}`, "no rule applies"},
		"no event":    {"suppress", "nothing", `class="problem"`},
		"empty":       {"suppress", " ", "paste an event first"},
		"mode":        {"x", "{}", "mode: "},
	} {
		page := b.call("POST", "/try", url.Values{"mode": {tt.mode}, "event": {tt.event}}.Encode(), nil).Body.String()
		if !strings.Contains(page, tt.want) {
			t.Errorf("%s: the page lacks %q:\n%s", name, tt.want, page)
		}
	}
}

// A new event is a row within 2 s, and the live page samples more than a person reads.
func TestLive(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stop := make(chan error, 1)
	running, end := context.WithCancel(t.Context())
	go func() { stop <- b.Server.Run(running) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL()+"events/live?metric=bounced", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	await := func(text string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return
			}
		}
		t.Fatalf("no line with %q: %v", text, lines.Err())
	}
	await("every event is shown") // the tail has begun
	start := time.Now()
	b.publish(webhooktest.Get("email_opened_human"), webhooktest.Get("email_bounced_hard"))
	await("data: <tr>")
	if line := lines.Text(); !strings.Contains(line, "<td>bounced</td>") || time.Since(start) > 2*time.Second {
		t.Errorf("after %s: %s", time.Since(start), line)
	}
	var many [][]byte
	for i := range 1000 {
		many = append(many, fmt.Appendf(nil, `{"event_id":"m%d","object_type":"email","metric":"bounced"}`, i))
	}
	b.publish(many...)
	await("Sampled: ")
	end()
	if err := <-stop; err != nil {
		t.Errorf("Run = %v", err)
	}
	for lines.Scan() { // the stop ends the live page
	}
}
